"""The runner of a training, and what would fail, or quietly train something else, in it."""

import numpy as np
import timm
from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mlgcn.features import use_features

from .config import UNSET, backbone_shapes, build_dataset, fit_to_data
from .config_check import ConfigError
from .hooks import WeightsHook, warn
from .train_loop import use_resumable_loop


def build_runner(cfg: Config) -> Runner:
    """The runner of a checked config, fitted to its training data; it has not started.

    It trains on the stored features in the folder `cfg.features.folder`, if there is that key.

    Raises:
        ConfigError, ValueError: what the data or the model's parts say against it.
    """
    train_set = build_dataset(cfg, 'train_dataloader')
    use_resumable_loop(cfg)
    fit_to_data(cfg, train_set.metainfo['classes'])
    check_training(cfg, train_set, get_world_size())
    check_channels(cfg)
    check_normalisation(cfg)

    runner = RUNNERS.build(cfg)  # mmengine's Runner, or its FlexibleRunner (`runner_type`)
    runner._train_dataloader['dataset'] = train_set  # built once, not twice
    runner.register_hook(WeightsHook(train_set.metainfo['classes']))
    if cfg.get('features'):
        use_features(runner, cfg.features.folder)
    return runner


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
            seen = f'data_preprocessor.{key} is {preprocessor.get(key)}'
            told = f'{seen}, but {backbone.model_name} was trained with {expected}'
            warn(told)


def check_frozen(cfg: Config) -> None:
    """Raise a ConfigError where a backbone that is not trained has no weights but random ones.

    What a file gives it is compared when that is read (:func:`mlgcn.checkpoints.transfer`).
    """
    backbone = cfg.model.backbone
    stages = backbone.get('frozen_stages')
    frozen = backbone.get('frozen') or (stages is not None and stages >= 0)
    given = [backbone.get(key) for key in ('pretrained', 'checkpoint_path', 'init_cfg')]
    given += [cfg.get('load_from'), cfg.get('resume'), cfg.model.get('init_cfg')]
    if frozen and not any(given):
        seen = f'none, but {backbone.type} is frozen: it would stay random'
        expected = "expected init_cfg=dict(type='Pretrained', checkpoint=FILE), or load_from"
        raise ConfigError(f'model.backbone.init_cfg: {seen}; {expected}')


def check_training(cfg: Config, dataset: Dataset, world_size: int) -> None:
    """Refuse what would fail, or quietly train something else, after the start.

    Raises:
        ConfigError: own photographs without a validation list; an epoch without a single batch; a
            batch that ADD-GCN can't train on; a frozen backbone without weights.
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
        told = 'ADD-GCN trains on at least 2 images per process, got 1 (its global BatchNorm)'
        raise ConfigError(f'train_dataloader.batch_size: {told}')
    check_frozen(cfg)
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
            warn(f'{where} {text}')
    cfg.param_scheduler = kept
