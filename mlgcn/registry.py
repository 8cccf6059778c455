"""mlgcn's registries: children of mmpretrain's, so `type='mlgcn.X'` works in any of its configs.

The modules named under `locations` are imported on the first look-up, not when mlgcn is imported.
"""

import difflib
from typing import Any

from mmengine.registry import STRATEGIES as MMENGINE_STRATEGIES
from mmengine.registry import Registry
from mmpretrain import registry as mmpretrain

MODELS = Registry('model', parent=mmpretrain.MODELS, scope='mlgcn', locations=['mlgcn.models'])
DATASETS = Registry(
    'dataset', parent=mmpretrain.DATASETS, scope='mlgcn', locations=['mlgcn.datasets']
)
TRANSFORMS = Registry(
    'transform', parent=mmpretrain.TRANSFORMS, scope='mlgcn', locations=['mlgcn.datasets']
)
BATCH_AUGMENTS = Registry(
    'batch augment', parent=mmpretrain.BATCH_AUGMENTS, scope='mlgcn', locations=['mlgcn.models']
)
METRICS = Registry(
    'metric', parent=mmpretrain.METRICS, scope='mlgcn', locations=['mlgcn.evaluation']
)
LOOPS = Registry('loop', parent=mmpretrain.LOOPS, scope='mlgcn', locations=['mlgcn.engine'])
HOOKS = Registry('hook', parent=mmpretrain.HOOKS, scope='mlgcn', locations=['mlgcn.engine'])
OPTIM_WRAPPERS = Registry(
    'optimizer wrapper', parent=mmpretrain.OPTIM_WRAPPERS, scope='mlgcn', locations=['mlgcn.engine']
)
PARAM_SCHEDULERS = Registry(
    'parameter scheduler',
    parent=mmpretrain.PARAM_SCHEDULERS,
    scope='mlgcn',
    locations=['mlgcn.engine'],
)
STRATEGIES = Registry(
    'strategy', parent=MMENGINE_STRATEGIES, scope='mlgcn', locations=['mlgcn.engine']
)


def find_class(name: str) -> Any:
    """The class, or function, that configs call `mlgcn.NAME`.

    Raises:
        AttributeError: there is none; it names the nearest.
    """
    known = {}
    for registry in [value for value in globals().values() if isinstance(value, Registry)]:
        if registry.scope == 'mlgcn':
            registry.import_from_location()
            known.update(registry.module_dict)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f'; did you mean {near[0]}?' if near else ''
        raise AttributeError(f'mlgcn has no {name!r}{hint}', name=name)
    return known[name]
