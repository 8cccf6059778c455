"""The model follows the data: class names and counts go from the data set into the config."""

from collections.abc import Sequence

from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS
from torch.utils.data import Dataset

from .config_check import ConfigError


def build_dataset(cfg: Config, loader: str, classes: Sequence[str] | None = None) -> Dataset:
    """Build the data set of `cfg[loader]` ('train_dataloader', ...), with given class names if any.

    The built object is put back into `cfg[loader]['dataset']`'s place by the caller; data errors
    (missing root, wrong json, unreadable images) are raised here, before a model exists.
    """
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    dataset = cfg[loader].dataset
    if classes is not None:
        _innermost(dataset).setdefault('classes', list(classes))
    return DATASETS.build(dataset)


def fit_to_data(cfg: Config, classes: Sequence[str]) -> None:
    """Fill `num_classes` into head and neck where the config leaves it out; compare where it is.

    Args:
        cfg: changed in place. The validation and test sets also get the class names, so that all
            splits number the classes alike.
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
            _innermost(cfg[loader].dataset).setdefault('classes', list(classes))


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


def _innermost(dataset: ConfigDict) -> ConfigDict:
    """The reader inside wrappers such as ClassBalancedDataset."""
    while isinstance(dataset.get('dataset'), dict):
        dataset = dataset.dataset
    return dataset
