"""mlgcn's registries: children of mmpretrain's, so `type='mlgcn.X'` works in any of its configs.

The modules named under `locations` are imported on the first look-up, not when mlgcn is imported.
"""

from typing import Any

from mmengine.registry import STRATEGIES as MMENGINE_STRATEGIES
from mmengine.registry import Registry
from mmpretrain import registry as mmpretrain

from mlgcn.messages import nearest

# by module: importing the package is part of `import mlgcn`, and these would double its time
HOOK_FILES = ('checkpoint_hook', 'finite_hook', 'hooks', 'resume')
ENGINE = [f'mlgcn.engine.{name}' for name in (*HOOK_FILES, 'optim', 'train_loop')]


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
LOOPS = Registry('loop', parent=mmpretrain.LOOPS, scope='mlgcn', locations=ENGINE)
HOOKS = Registry('hook', parent=mmpretrain.HOOKS, scope='mlgcn', locations=ENGINE)
OPTIM_WRAPPERS = Registry(
    'optimizer wrapper', parent=mmpretrain.OPTIM_WRAPPERS, scope='mlgcn', locations=ENGINE
)
PARAM_SCHEDULERS = Registry(
    'parameter scheduler',
    parent=mmpretrain.PARAM_SCHEDULERS,
    scope='mlgcn',
    locations=ENGINE,
)
# what draws a loaded model's pictures: `apis` looks it up here, in a room above
EXPLAINERS = Registry('explainer', scope='mlgcn', locations=['mlgcn.visualization'])
STRATEGIES = Registry('strategy', parent=MMENGINE_STRATEGIES, scope='mlgcn', locations=ENGINE)


def find_class(name: str) -> Any:
    """The class, or function, that configs call `mlgcn.NAME`.

    Raises:
        AttributeError: there is none; it names the nearest.
    """
    known = {}
    for registry in [value for value in globals().values() if isinstance(value, Registry)]:
        if registry.scope == 'mlgcn' and registry is not EXPLAINERS:  # matplotlib takes a second
            registry.import_from_location()
            known.update(registry.module_dict)
    if name not in known:
        raise AttributeError(f'mlgcn has no {name!r}{nearest(name, known)}', name=name)
    return known[name]
