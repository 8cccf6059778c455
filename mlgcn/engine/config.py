"""A config is read, checked before anything is built, and fitted to the data."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS, MODELS
from torch.utils.data import Dataset
from yaml import YAMLError

from mlgcn.checkpoints.metadata import input_size
from mlgcn.datasets import readers, unite_classes, use_own_photos
from mlgcn.messages import some

from .config_check import ConfigError, check_config, check_option
from .overrides import escaped, resolve
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
        raise ConfigError(
            f'--finetune: {cfg.filename}: {seen}; expected a config of own photographs with a '
            'frozen mlgcn.TIMMBackbone, such as own_pooled'
        )
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
        raise ConfigError(
            f'the checkpoint is of another data set: of {len(seen)} classes of {loader} '
            f'{len(other)} ({some(other)}) are not among its {len(classes)} ({some(classes)})'
        ) from error


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
            raise ConfigError(
                f'model.{part}.num_classes is {stated}, but the data has {seen}; {UNSET}'
            )
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


def check_channels(cfg: Config) -> None:
    """Raise a ConfigError where `model.head.in_channels` is not what the backbone gives."""
    stated = (cfg.model.get('head') or {}).get('in_channels')
    if not isinstance(stated, int) or cfg.model.get('neck') is not None:
        return
    channels = backbone_shapes(cfg)[-1][0]
    if channels != stated:
        seen = f'the backbone ({cfg.model.backbone.type}) gives {channels} channels'
        raise ConfigError(f'model.head.in_channels is {stated}, but {seen}; {UNSET}')


def check_normalisation(cfg: Config) -> None:
    """Warn where images are not normalised as those that a backbone of timm was trained with."""
    backbone = cfg.model.backbone
    preprocessor = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    if 'model_name' not in backbone or not (backbone.get('pretrained') or backbone.get('init_cfg')):
        return
    published = timm.get_pretrained_cfg(backbone.model_name)
    for key in ('mean', 'std'):
        expected = [round(255 * value, 3) for value in getattr(published, key)]
        if not np.allclose(preprocessor.get(key) or 0, expected, atol=0.01):
            print_log(
                f'data_preprocessor.{key} is {preprocessor.get(key)}, but {backbone.model_name} '
                f'was trained with {expected}',
                'current', logging.WARNING,
            )  # fmt: skip


def check_training(cfg: Config, dataset: Dataset, world_size: int) -> None:
    """Refuse what would fail, or quietly train something else, after the start.

    Raises:
        ConfigError: own photographs without a validation list; an epoch without a single batch; a
            batch that ADD-GCN can't train on.
    """
    own, loader = cfg.get('own') or {}, cfg.train_dataloader
    if own.get('train') and not own.get('val') and cfg.get('val_dataloader') is not None:
        seen = f'own.train={own["train"]}'
        raise ConfigError(f'own.val: no list of validation images ({seen}); expected own.val=PATH')
    share = -(-len(dataset) // world_size)  # rounded up, as the samplers fill up
    if loader.batch_size > share:
        seen = f'{len(dataset)} images' + f' ({share} per process)' * (world_size > 1)
        size = f'train_dataloader.batch_size is {loader.batch_size}'
        raise ConfigError(f'{size}, but the training set has {seen}')
    in_all = loader.batch_size * (world_size if cfg.get('sync_bn') else 1)
    if in_all < 2 and cfg.model.head.type.endswith('ADDGCNHead'):
        raise ConfigError(
            'train_dataloader.batch_size: ADD-GCN trains on at least 2 images per process, got 1 '
            '(its global BatchNorm normalises one value per image)'
        )
    if 'max_epochs' in cfg.train_cfg:
        fit_schedules(cfg)


def fit_schedules(cfg: Config) -> None:
    """Leave out schedules that begin after the last epoch; the log names those that end after it.

    With fewer epochs than the recipe has (`train_cfg.max_epochs=1`), upstream refuses the former.
    """
    epochs, kept = cfg.train_cfg.max_epochs, []
    given = cfg.get('param_scheduler') or []
    for i, schedule in enumerate(given if isinstance(given, list) else [given]):
        if not schedule.get('by_epoch', True):
            kept.append(schedule)
            continue
        text, late = '', [str(m) for m in schedule.get('milestones', ()) if m >= epochs]
        if schedule.get('begin', 0) >= epochs:
            text = f'begins at epoch {schedule.begin} and is left out'
        else:
            kept.append(schedule)
            if late:
                text = f'never reaches its milestones {", ".join(late)}'
            elif schedule.get('end', epochs) > epochs:
                text = f'ends at epoch {schedule.end}, which is never reached'
        if text:
            where = f'train_cfg.max_epochs={epochs}: param_scheduler[{i}] ({schedule.type})'
            print_log(f'{where} {text}', 'current', logging.WARNING)
    cfg.param_scheduler = kept
