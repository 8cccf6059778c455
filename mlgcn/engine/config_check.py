"""Mistyped keys, classes, names and values of a config, found before anything is built."""

import difflib
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import timm
from mmengine import registry as mmengine_registry
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import Runner
from mmpretrain import registry as mmpretrain_registry
from mmpretrain.models.utils import CutMix, Mixup, ResizeMix
from torch.utils.data import DataLoader

from mlgcn.messages import nearest

from .config_values import ConfigError, check_values, descend

RUNNER_KEYS = frozenset(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'}
# read by mmengine's Config or Runner, or by mlgcn's commands, beside the Runner's own arguments
KEYS = RUNNER_KEYS | {'custom_imports', 'sync_bn', 'model_wrapper_cfg', 'strategy', 'runner_type'}
# read by mlgcn alone
OURS = frozenset({'own', 'compiled_ops', 'data_preprocessor', 'features'})
# taken out by mmengine before the class is called
NOT_ARGUMENTS = frozenset(
    {'type', '_scope_', 'priority', 'constructor', 'paramwise_cfg', 'convert_to_iter_based'}
)
# sub-configs whose types live outside the registries, or which are free-form
FREE = frozenset({'policies', 'metainfo', 'transforms_kwargs', 'accumulative_counts', 'meta'})
LOADER = frozenset(inspect.signature(DataLoader).parameters) | {'num_batch_per_epoch'}
REGISTRY_OF = {
    'param_scheduler': 'PARAM_SCHEDULERS', 'optimizer': 'OPTIMIZERS', 'pipeline': 'TRANSFORMS',
    'sampler': 'DATA_SAMPLERS', 'custom_hooks': 'HOOKS', 'default_hooks': 'HOOKS',
    'val_evaluator': 'METRICS', 'test_evaluator': 'METRICS', 'loss': 'MODELS', 'head': 'MODELS',
}  # fmt: skip
# the classes of sections that need no `type`
DEFAULTS = {'train_cfg': 'EpochBasedTrainLoop', 'val_cfg': 'ValLoop', 'test_cfg': 'TestLoop'}
# sections without which nothing trains
NEEDED = {
    *('model', 'model.backbone', 'model.head', 'train_dataloader', 'train_cfg', 'default_hooks'),
    *('optim_wrapper', 'optim_wrapper.optimizer'),
}
KINDS = {bool: 'True or False', (int, float): 'a number', Mapping: 'keys below it'}
LOSS = "expected `type`, e.g. dict(type='CrossEntropyLoss', use_sigmoid=True, pos_weight=[...])"
# mmpretrain's know mlgcn's and mmengine's children
REGISTRIES = [
    registry
    for module in (mmpretrain_registry, mmengine_registry)
    for registry in vars(module).values()
    if isinstance(registry, Registry)
]


def check_option(cfg: Config, key: str, value: Any) -> None:
    """Compare one option of the command line with the config that it changes.

    Raises:
        ConfigError: the config has no such section or key, or a value of another kind there.
    """
    _refuse_copied(cfg, key)
    node, missing = descend(cfg, key)
    for kind, expected in {} if missing else KINDS.items():
        if isinstance(node, kind):
            if isinstance(value, kind) or (value is None and key not in NEEDED):
                return
            expected = f'expected {expected} (the config has {str(node)[:60]})'
            raise ConfigError(f'--cfg-options {key}: {value!r} seen, {expected}')
    if missing and isinstance(node, Mapping):
        name, section = missing[0], key.split('.')[: -len(missing)]
        where = f'section {".".join(section)!r}' if section else 'config'
        hint = nearest(name, node, 0.7) if section else _root_like(cfg, name)
        # keys that a class below may take are looked up there, by `check_config`
        free = 'type' in node or section[0] in DEFAULTS or not hint if section else name in KEYS
        if not free:
            raise ConfigError(f'--cfg-options {key}: the {where} has no {name!r}{hint}')


def _refuse_copied(cfg: Config, key: str) -> None:
    """Names such as `train_pipeline` are read while the file is: changed later, nothing happens."""
    name, *below = key.split('.')
    if name in KEYS | OURS or not (value := cfg.get(name)):
        return
    copies = [path for path, copy in _items({n: cfg[n] for n in KEYS & set(cfg)}) if copy == value]
    if not isinstance(value, (list, Mapping)):
        copies = [path for path in copies if path.rpartition('.')[2] == name]
    if copies:
        where = ' and '.join('.'.join([path, *below]) for path in sorted(copies))
        raise ConfigError(f'--cfg-options {key}: has no effect, its value was copied; set {where}')


def _items(node: Mapping, path: str = '') -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        yield path + name, value
        if isinstance(value, Mapping):
            yield from _items(value, f'{path}{name}.')


def _root_like(cfg: Config, name: str) -> str:
    """The end of a message: the section, or the key anywhere, that resembles `name`."""
    # reversed, so that train_ comes after val_ and wins; sections win over keys below them
    paths = [*reversed([path for path, _ in _items(cfg)]), *KEYS, *cfg]
    by_name = {path.rpartition('.')[2]: path for path in paths}
    near = difflib.get_close_matches(name, by_name, 1, 0.7)
    return f'; did you mean {by_name[near[0]]!r}?' if near else ''


def check_config(cfg: Config) -> None:
    """Look every `type` and its keys up, without building anything.

    Raises:
        ConfigError: names the path of the class or key, what was seen, and the nearest known name.
    """
    for name in sorted(
        set(cfg) - KEYS
    ):  # a config may have keys of its own: only near misses are mistakes
        if near := nearest(name, KEYS, cutoff=0.85):
            raise ConfigError(f'{name}: not a key of a config{near}')
    check_values(cfg)
    for name in sorted(RUNNER_KEYS & set(cfg) - {'visualizer', 'log_processor'}):
        section = cfg[name]
        if name.endswith('_dataloader') and section is not None:
            check_keys(section, name, LOADER, 'DataLoader')
        if name in DEFAULTS and section is not None and 'type' not in section:
            section = dict(section)
            by_epoch = section.pop('by_epoch', True)
            section['type'] = DEFAULTS[name] if by_epoch else 'IterBasedTrainLoop'
        _check(section, name)


def check_keys(node: Mapping, path: str, known: Iterable[str], owner: str) -> None:
    """Every key of `node` is one of `known`, the arguments of `owner`."""
    for key in node:
        if key not in known and key not in NOT_ARGUMENTS:
            takes = f'{nearest(key, known)} (it takes {", ".join(sorted(known))})'
            raise ConfigError(f'{path}.{key}: {owner} has no such key{takes}')


def _check(node: object, path: str) -> None:
    """Walk dicts and lists below `path`; check each dict that has a `type` in words."""
    if isinstance(node, (list, tuple)):
        for index, item in enumerate(node):
            _check(item, f'{path}[{index}]')
    elif isinstance(node, dict):
        if isinstance(node.get('loss'), str):
            raise ConfigError(f'{path}.loss: {node["loss"]!r} seen; {LOSS}')
        if isinstance(node.get('type'), str):
            _check_class(node, path)
        elif path.endswith('.loss') and any(not isinstance(v, Mapping) for v in node.values()):
            raise ConfigError(f'{path}: {", ".join(node)} seen; {LOSS}')
        for key, value in node.items():
            if key not in FREE:
                _check(value, f'{path}.{key}')


def _check_class(node: dict, path: str) -> None:
    """The class exists and takes the keys given; timm knows the model."""
    name = node['type']
    cls = _class_named(name)
    if cls is None:
        raise ConfigError(f'{path}.type: no class {name!r} is registered{_like(name, path)}')
    if cls in (Mixup, CutMix, ResizeMix):
        expected = "expected 'mlgcn.Mixup' or 'mlgcn.CutMix'"
        raise ConfigError(f'{path}.type: mmpretrain.{name} mixes unknown labels (-1); {expected}')
    known = _arguments(cls)
    if known is not None:
        check_keys(node, path, known, cls.__name__)
    for key in {'scale', 'size', 'crop_size'} & set(node) if 'pipeline' in path else ():
        sizes = node[key] if isinstance(node[key], (list, tuple)) else [node[key]]
        if any(isinstance(n, str) for n in sizes) or not max(filter(None, sizes), default=0) > 0:
            raise ConfigError(f'{path}.{key}: {node[key]!r} seen, expected pixels, above 0')
    model = node.get('model_name')
    if cls.__name__ == 'TIMMBackbone' and isinstance(model, str) and ':' not in model:
        models = timm.list_models()
        if model.split('.')[0] not in models:  # after the dot: a tag of its weights
            near = nearest(model, models, n=3)
            raise ConfigError(f'{path}.model_name: timm has no {model!r}{near}')


def _class_named(name: str) -> Any:
    """What a registry has under `name`, or None.

    `Registry.get` looks for a module of every name that it does not have, in each folder of
    `sys.path`: half the time of reading a config. So those that have the name are asked first.
    """
    bare = name.rpartition('.')[2]
    has = {
        r: any(bare in each.module_dict for each in (r, *r.children.values())) for r in REGISTRIES
    }
    for registry in sorted(REGISTRIES, key=has.get, reverse=True):
        if (found := registry.get(name)) is not None:
            return found
    return None


def _like(name: str, path: str) -> str:
    """The end of a message: the class like `name`, of the kind that belongs there if any is."""
    kinds = [kind for section, kind in REGISTRY_OF.items() if re.search(rf'\b{section}\b', path)]
    for registries in [getattr(mmpretrain_registry, kind) for kind in kinds], REGISTRIES:
        names = {}  # as it is written in a config, by the name without a scope
        for registry in registries:
            for scope, child in registry.children.items():
                names |= {bare: f'{scope}.{bare}' for bare in child.module_dict}
        for registry in registries:
            for one in filter(None, (registry, registry.parent)):
                names |= {bare: bare for bare in one.module_dict}
        if near := nearest(name.rpartition('.')[2], names):
            bare = near.split("'")[1]
            return near.replace(bare, names[bare])
    return ''


def _arguments(cls: Any) -> set[str] | None:
    """Names that `cls(...)` takes, or None where `**kwargs` leave our classes: it takes any."""
    names: set[str] = set()
    is_class = inspect.isclass(cls)
    for owner in inspect.getmro(cls) if is_class else [cls]:
        function = vars(owner).get('__init__') if is_class else owner
        if function is None:
            continue
        parameters = inspect.signature(function).parameters.values()
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            return names - {'self'}
        # schedulers hand theirs to the next class, too
        if not owner.__module__.startswith(('mlgcn.', 'mmengine.optim.scheduler.')):
            return None  # upstream may hand its **kwargs to anything
    return None
