"""A config is read and checked before anything is built, and fitted to the data."""

import difflib
import inspect
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine import registry as mmengine_registry
from mmengine.config import Config
from mmengine.registry import Registry, init_default_scope
from mmengine.runner import Runner
from mmpretrain import registry as mmpretrain_registry
from mmpretrain.registry import DATASETS
from torch.utils.data import Dataset

from mlgcn.datasets import readers, unite_classes, use_own_photos

from .overrides import escaped, resolve

RUNNER_KEYS = frozenset(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'}
# read by mmengine's Config or Runner, or by mlgcn's commands, beside the Runner's own arguments
KEYS = RUNNER_KEYS | {'custom_imports', 'sync_bn', 'model_wrapper_cfg', 'strategy', 'runner_type'}
# taken out by mmengine before the class is called
NOT_ARGUMENTS = frozenset(
    {'type', '_scope_', 'priority', 'constructor', 'paramwise_cfg', 'convert_to_iter_based'}
)
# sub-configs whose types live outside the registries, or which are free-form
FREE = frozenset({'policies', 'metainfo', 'transforms_kwargs', 'accumulative_counts', 'meta'})
# mmpretrain's know mlgcn's and mmengine's children
REGISTRIES = [
    registry
    for module in (mmpretrain_registry, mmengine_registry)
    for registry in vars(module).values()
    if isinstance(registry, Registry)
]


class ConfigError(ValueError):
    """A config that cannot be used: the message names the key, what was seen and expected."""


def read_config(path: str | Path, options: Mapping[str, Any]) -> Config:
    """The config in the file `path` with `options` merged into it, checked.

    Raises:
        ConfigError: the file is missing or not a config, or a key or class is mistyped.
    """
    if not os.path.isfile(path):
        raise ConfigError(f'{path}: no such config file')
    try:
        with escaped('MLGCN_DATA'):
            cfg = Config.fromfile(path)
    except (SyntaxError, NameError, AttributeError, KeyError) as error:
        raise ConfigError(f'{path}: {error}') from error
    for key in options:
        root = key.split('.')[0]
        if root not in KEYS | set(cfg):
            near = nearest(root, KEYS | set(cfg))
            raise ConfigError(f'--cfg-options {key}: the config has no {root!r}{near}')
    cfg.merge_from_dict(resolve(cfg, options))
    use_own_photos(cfg)
    check_config(cfg)
    if not cfg.get('compiled_ops', True):
        os.environ['MLGCN_COMPILE'] = '0'  # read by mlgcn.ops, in the loaders' processes too
    return cfg


def check_config(cfg: Config) -> None:
    """Look every `type` and its keys up, without building anything.

    Raises:
        ConfigError: names the path of the class or key, what was seen, and the nearest known name.
    """
    for name in cfg:  # a config may have keys of its own: only near misses are mistakes
        near = nearest(name, KEYS, cutoff=0.85)
        if name not in KEYS and near:
            raise ConfigError(f'{name}: not a key of a config{near}')
    for name in sorted(RUNNER_KEYS & set(cfg)):
        if name not in ('visualizer', 'default_hooks', 'log_processor'):
            _check(cfg[name], name)


def _check(node: object, path: str) -> None:
    """Walk dicts and lists below `path`; check each dict that has a `type` in words."""
    if isinstance(node, (list, tuple)):
        for index, item in enumerate(node):
            _check(item, f'{path}[{index}]')
    elif isinstance(node, dict):
        if isinstance(node.get('type'), str):
            _check_class(node, path)
        for key, value in node.items():
            if key not in FREE:
                _check(value, f'{path}.{key}')


def _check_class(node: dict, path: str) -> None:
    """The class exists and takes the keys given."""
    name = node['type']
    cls = next((found for r in REGISTRIES if (found := r.get(name)) is not None), None)
    if cls is None:
        names = {name for registry in REGISTRIES for name in registry.module_dict}
        for registry in REGISTRIES:
            for scope, child in registry.children.items():
                names |= {f'{scope}.{name}' for name in child.module_dict}
        raise ConfigError(f'{path}.type: no class {name!r} is registered{nearest(name, names)}')
    known = _arguments(cls)
    for key in node if known is not None else ():
        if key not in known and key not in NOT_ARGUMENTS:
            raise ConfigError(
                f'{path}.{key}: {cls.__name__} has no such key{nearest(key, known)}'
                f' (it takes {", ".join(sorted(known))})'
            )


def _arguments(cls: Any) -> set[str] | None:
    """Names that `cls(...)` takes, or None where `**kwargs` leave our classes: it takes any."""
    names: set[str] = set()
    owners = inspect.getmro(cls) if inspect.isclass(cls) else [cls]
    for owner in owners:
        function = vars(owner).get('__init__') if inspect.isclass(owner) else owner
        if function is None:
            continue
        parameters = inspect.signature(function).parameters.values()
        kinds = {p.kind for p in parameters}
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            return names - {'self'}
        if not owner.__module__.startswith('mlgcn.'):
            return None  # upstream may hand its **kwargs to anything
    return None


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The end of a message: the known name that resembles `name`, if any."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f'; did you mean {near[0]!r}?' if near else ''


def build_dataset(cfg: Config, loader: str, classes: Sequence[str] | None = None) -> Dataset:
    """Build the data set of `cfg[loader]` ('train_dataloader', ...), with given class names if any.

    Errors of the data (missing root, wrong json, unreadable images) are raised here, before a
    model exists.
    """
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    dataset = cfg[loader].dataset
    if classes is not None:
        for part in readers(dataset):
            part.setdefault('classes', list(classes))
    unite_classes(dataset)
    return DATASETS.build(dataset)


def fit_to_data(cfg: Config, classes: Sequence[str]) -> None:
    """Fill `num_classes` into head and neck where the config leaves it out, in place.

    The validation and test sets also get the class names, so that all splits number them alike.

    Args:
        cfg: the config.
        classes: the training set's (or the checkpoint's) class names.

    Raises:
        ConfigError: the config's number of classes is not the data's.
    """
    for part in ('head', 'neck'):
        section = cfg.model.get(part)
        if not isinstance(section, dict) or (part == 'neck' and 'num_classes' not in section):
            continue
        stated = section.get('num_classes')
        if stated is not None and stated != len(classes):
            raise ConfigError(
                f'model.{part}.num_classes is {stated}, but the data has {len(classes)} classes '
                f'({", ".join(map(str, classes[:5]))}, ...); leave the key out, or set it to None, '
                'to follow the data'
            )
        section.num_classes = len(classes)
    for loader in ('val_dataloader', 'test_dataloader'):
        if cfg.get(loader) is not None:
            for part in readers(cfg[loader].dataset):
                part.setdefault('classes', list(classes))


def check_batch_size(cfg: Config, dataset: Dataset, world_size: int) -> None:
    """Refuse a training epoch without a single batch, and batches that ADD-GCN can't train on."""
    loader = cfg.train_dataloader
    share = -(-len(dataset) // world_size)
    if loader.batch_size > share:
        raise ConfigError(
            f'train_dataloader.batch_size is {loader.batch_size}, but the training set has '
            f'{len(dataset)} images' + (f' ({share} per process)' if world_size > 1 else '')
        )
    in_all = loader.batch_size * (world_size if cfg.get('sync_bn') else 1)
    if in_all < 2 and cfg.model.head.type.endswith('ADDGCNHead'):
        raise ConfigError(
            'train_dataloader.batch_size: ADD-GCN trains on at least 2 images per process, got 1 '
            '(its global BatchNorm normalises one value per image)'
        )
