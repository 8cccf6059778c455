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


def _child(parent: Registry, *modules: str) -> Registry:
    return Registry(parent.name, parent=parent, scope='mlgcn', locations=list(modules))


MODELS = _child(mmpretrain.MODELS, 'mlgcn.models')
DATASETS = _child(mmpretrain.DATASETS, 'mlgcn.datasets')
TRANSFORMS = _child(mmpretrain.TRANSFORMS, 'mlgcn.datasets')
BATCH_AUGMENTS = _child(mmpretrain.BATCH_AUGMENTS, 'mlgcn.models')
METRICS = _child(mmpretrain.METRICS, 'mlgcn.evaluation')
LOOPS = _child(mmpretrain.LOOPS, *ENGINE)
HOOKS = _child(mmpretrain.HOOKS, *ENGINE)
OPTIM_WRAPPERS = _child(mmpretrain.OPTIM_WRAPPERS, *ENGINE)
PARAM_SCHEDULERS = _child(mmpretrain.PARAM_SCHEDULERS, *ENGINE)
STRATEGIES = _child(MMENGINE_STRATEGIES, *ENGINE)
# what draws a loaded model's pictures: `apis` looks it up here, in a room above
EXPLAINERS = Registry('explainer', scope='mlgcn', locations=['mlgcn.visualization'])


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
