"""A config is read, checked before anything is built, and fitted to the data."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS, MODELS
from torch.utils.data import Dataset
from yaml import YAMLError

from mlgcn.checkpoints.metadata import input_size
from mlgcn.datasets import readers, unite_classes, use_own_photos
from mlgcn.messages import some

from .config_check import ConfigError, check_config, check_option
from .config_values import escaped, resolve
from .randomness import unchanged_randomness

UNSET = 'leave the key out, or set it to None, to follow them'
SHAPES: dict[str, list[tuple[int, ...]]] = {}  # found by backbone_shapes in this process
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def read_config(
    path: str | Path, options: Mapping[str, Any], recipe: str | Path | None = None
) -> Config:
    """The config in the file `path` with `options` merged into it, checked.

    Args:
        path: the file.
        options: `--cfg-options`.
        recipe: a file of keys that are merged before them (:func:`unfreeze`).

    Raises:
        ConfigError: the file is missing or not a config, or a key, class or value is mistyped.
    """
    if not os.path.isfile(path):
        raise ConfigError(f'{path}: no such config file')
    try:
        with escaped('MLGCN_DATA'):
            cfg = Config.fromfile(path)
    except (SyntaxError, NameError, AttributeError, KeyError, ValueError, YAMLError) as error:
        raise ConfigError(f'{path}: {error}') from error
    if recipe is not None:
        unfreeze(cfg, recipe)
    options = resolve(cfg, options)
    for key, value in options.items():
        check_option(cfg, key, value)
    cfg.merge_from_dict(options)
    use_own_photos(cfg)
    _drop_delete(cfg._cfg_dict)
    for loader in LOADERS:
        if cfg.get(loader) is not None and not cfg[loader].get('num_workers'):
            for key in ('persistent_workers', 'prefetch_factor'):  # torch refuses them then
                cfg[loader].pop(key, None)
    check_config(cfg)
    if not cfg.get('compiled_ops', True):
        os.environ['MLGCN_COMPILE'] = '0'  # read by mlgcn.ops, in the loaders' processes too
    return cfg


def unfreeze(cfg: Config, recipe: str | Path) -> None:
    """Turn the training of a head on a frozen backbone into one of both, in place.

    Args:
        cfg: with a frozen `mlgcn.TIMMBackbone` and own photographs.
        recipe: a config of what the second step changes; its hooks come after those of `cfg`.

    Raises:
        ConfigError: the config trains its backbone already, or has no own photographs.
    """
    backbone = cfg.model.backbone
    if not backbone.get('frozen') or 'own' not in cfg:
        seen = f'model.backbone is {backbone.type}, frozen={backbone.get("frozen")}'
        told = 'expected own photographs and a frozen mlgcn.TIMMBackbone, such as own_pooled'
        raise ConfigError(f'--finetune: {cfg.filename}: {seen}; {told}')
    changes = Config.fromfile(recipe).to_dict()
    changes['custom_hooks'] = [*cfg.get('custom_hooks', ()), *changes['custom_hooks']]
    cfg.merge_from_dict(changes)


def _drop_delete(node: Any) -> None:
    """Remove `_delete_=True` where there was nothing to delete; mmengine would leave it there."""
    if isinstance(node, dict):
        node.pop('_delete_', None)
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, (dict, list)):
            _drop_delete(child)


def build_dataset(cfg: Config, loader: str, classes: Sequence[str] | None = None) -> Dataset:
    """Build the data set of `cfg[loader]` ('train_dataloader', ...), before a model exists.

    Args:
        cfg: the config; the data set's part is changed in place.
        loader: its section.
        classes: a checkpoint's class names, where the config states none.

    Raises:
        ConfigError: the data has classes that the checkpoint does not have.
    """
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    dataset = cfg[loader].dataset
    parts = list(readers(dataset))
    for part in parts if classes is not None else ():
        part.setdefault('classes', list(classes))
    unite_classes(dataset)
    try:
        return DATASETS.build(dataset)
    except ValueError as error:
        if classes is None or any(list(part.classes) != list(classes) for part in parts):
            raise  # the config states classes of its own
        for part in parts:
            part.pop('classes')
        unite_classes(dataset)
        seen = DATASETS.build(dataset).metainfo['classes']
        other = [name for name in seen if name not in classes]
        if not other:
            raise
        told = f'of {len(seen)} classes of {loader} {len(other)} ({some(other)}) are not among its'
        told += f' {len(classes)} ({some(classes)})'
        raise ConfigError(f'the checkpoint is of another data set: {told}') from error


def listed_images(cfg: Config) -> list[str]:
    """The images of all data sets that the config names, each once."""
    paths = {}
    for loader in LOADERS:
        parts = list(readers(cfg.get(loader)))
        if parts and all(part.get('ann_file', True) for part in parts):
            dataset = build_dataset(cfg, loader)
            paths |= {dataset.get_data_info(i)['img_path']: None for i in range(len(dataset))}
    return list(paths)


def fit_to_data(cfg: Config, classes: Sequence[str]) -> None:
    """Fill `num_classes` and `in_channels` into head and neck where they are left out, in place.

    The validation and test sets also get `classes`, the training set's (or the checkpoint's) names,
    so that all splits number them alike. Raises a ConfigError where the config states another
    number of classes.
    """
    for part in ('head', 'neck'):
        section = cfg.model.get(part)
        if not isinstance(section, dict) or (part == 'neck' and 'num_classes' not in section):
            continue
        stated = section.get('num_classes')
        if stated is not None and stated != len(classes):
            seen = f'{len(classes)} classes ({some(classes, 5)})'
            told = f'is {stated}, but the data has {seen}; {UNSET}'
            raise ConfigError(f'model.{part}.num_classes {told}')
        section.num_classes = len(classes)
    neck, head = cfg.model.get('neck'), cfg.model.get('head')
    if lacks_channels(neck):
        neck.in_channels = [channels for channels, *_ in backbone_shapes(cfg)]
    if lacks_channels(head):
        head.in_channels = backbone_shapes(cfg)[-1][0] if neck is None else neck_channels(cfg)
    for loader in ('val_dataloader', 'test_dataloader'):
        for part in readers(cfg.get(loader)):
            part.setdefault('classes', list(classes))


def lacks_channels(section: dict | None) -> bool:
    """Whether a neck or head is mlgcn's and leaves its `in_channels` open."""
    ours = section is not None and str(section.get('type')).startswith('mlgcn.')
    return ours and section.get('in_channels') is None


def backbone_shapes(cfg: Config) -> list[tuple[int, ...]]:
    """(C, H, W) of the backbone's maps, for images of the test pipeline's size (or 224 pixels).

    Raises:
        ValueError: the backbone takes no such images.
    """
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    settings = {**cfg.model.backbone, 'init_cfg': None}
    if 'pretrained' in settings:  # timm would download weights
        settings['pretrained'] = False
    size = tuple(input_size(cfg) or (224, 224))
    key = f'{size} {settings}'
    if key not in SHAPES:
        with unchanged_randomness(), torch.no_grad():
            backbone = MODELS.build(settings)
            backbone.eval()  # not in the line above: upstream's return None here
            SHAPES[key] = [tuple(m.shape[1:]) for m in backbone(torch.zeros(1, 3, *size))]
    return SHAPES[key]


def neck_channels(cfg: Config) -> int:
    """Channels of what the head reads of the neck: its last output, (B, C) or (B, C, H, W)."""
    with unchanged_randomness(), torch.no_grad():
        neck = MODELS.build(cfg.model.neck)
        neck.eval()
        return neck([torch.zeros(1, *shape) for shape in backbone_shapes(cfg)])[-1].shape[1]
