"""Train and score heads on stored features: a runner whose images and backbone are left out."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import RandomFlip
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import BaseDataPreprocessor
from mmengine.runner import Runner
from mmpretrain.datasets.transforms import PackInputs
from mmpretrain.registry import DATASETS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.data import Dataset

from mlgcn.models.mirror_average import MirrorAveragedClassifier

from .store import FeatureError, FeatureStore, source_of, stage_names

NO_IMAGE = np.zeros((1, 1, 3), np.uint8)  # RandomFlip and PackInputs want one


class FeaturePipeline:
    """Stands for a data set's pipeline: an item of an image becomes its stored maps.

    The pipeline's own horizontal RandomFlip decides between picture and mirror image, with the
    random numbers that it would draw in front of the image.

    Args:
        store: the features.
        stages: names of the maps wanted.
        paths: all images of the data set.
        transforms: the pipeline's.
        both_views: an item becomes the maps of picture and mirror image.
    """

    def __init__(
        self,
        store: FeatureStore,
        stages: Sequence[str],
        paths: Sequence[str],
        transforms: Sequence[Any],
        both_views: bool = False,
    ):
        self.both_views = both_views
        self.maps = [store.maps[name] for name in stages]
        self.rows = store.rows(paths)
        self.flips = [t for t in transforms if isinstance(t, RandomFlip)]
        self.pack = transforms[-1]
        self.transforms: tuple = ()  # the data set looks here for options of reading
        directions = [flip.direction for flip in self.flips]
        if directions not in ([], ['horizontal']):
            told = 'stored features are of the picture and its horizontal mirror image'
            raise FeatureError(f'RandomFlip: directions {directions}, but {told}')
        if not isinstance(self.pack, PackInputs):
            seen = type(self.pack).__name__
            raise FeatureError(f'the pipeline ends with {seen}, expected PackInputs')

    def __deepcopy__(self, memo: dict) -> 'FeaturePipeline':
        # upstream copies data sets with their loader's config: the maps would go into memory
        return copy.copy(self)

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        """`inputs`: one map, float16, for each stage; `data_samples` of PackInputs.

        Maps are (H, W, C), with `both_views` (2, H, W, C).
        """
        item = {**item, 'img': NO_IMAGE, 'img_shape': (1, 1), 'ori_shape': (1, 1)}
        for flip in self.flips:
            item = flip(item)
        view = slice(None) if self.both_views else int(item.get('flip', False))
        row = self.rows[item['img_path']]
        maps = tuple(torch.from_numpy(stage[row, view]) for stage in self.maps)
        return {**self.pack({**item, 'img': NO_IMAGE}), 'inputs': maps}


class FeaturePreprocessor(BaseDataPreprocessor):
    """Stands for the image preprocessor: a batch of stored maps in float32, on the device."""

    def forward(self, data: dict, training: bool = False) -> dict:
        """`inputs`: the stages' maps (B, C, H, W), float32, in memory with their channels last.

        Of items with both views (2 B, C, H, W): mirror images come after the pictures.
        """
        data = self.cast_data(data)
        maps = [m if isinstance(m, Tensor) else torch.stack(m) for m in data['inputs']]
        maps = [m.transpose(0, 1).flatten(0, 1) if m.ndim == 5 else m for m in maps]
        return {**data, 'inputs': tuple(m.float().permute(0, 3, 1, 2) for m in maps)}


class FeatureHook(Hook):
    """Compares the features with the backbone once its weights are loaded, before training."""

    priority = 'VERY_LOW'  # after whatever loads weights

    def __init__(self, store: FeatureStore, stages: Sequence[str]):
        self.store, self.stages = store, stages

    def before_train(self, runner: Runner) -> None:
        """Raises a FeatureError for other weights of the backbone."""
        model = getattr(runner.model, 'module', runner.model)
        self.store.check(source_of(runner.cfg, model.backbone), self.stages)


def use_features(runner: Runner, folder: str) -> None:
    """Let a runner that has not started train and validate on stored features.

    Everything else stays: the head, its losses, the metrics, the hooks, the order of the images.
    The backbone keeps its weights, but is not run: checkpoints are of the whole model, and their
    config is the one of images.

    Args:
        runner: with built data sets in its loaders.
        folder: of `mlgcn features`.

    Raises:
        FeatureError: see :class:`FeatureStore`; the backbone is trained; images without features.
    """
    store, model = FeatureStore(folder), getattr(runner.model, 'module', runner.model)
    check_frozen(model.backbone)
    if getattr(model.data_preprocessor, 'batch_augments', None):
        raise FeatureError('train_cfg.augments mixes images: not possible with stored features')
    stages = stage_names(runner.cfg, model.backbone)
    # all but the weights, which are loaded later
    weights = {'backbone_sha256': store.source.get('backbone_sha256')}
    store.check(source_of(runner.cfg, model.backbone) | weights, stages)
    for loader in (runner._train_dataloader, runner._val_dataloader):
        if loader is None:
            continue
        if isinstance(loader['dataset'], dict):
            loader['dataset'] = DATASETS.build(loader['dataset'])
        averaged = isinstance(model, MirrorAveragedClassifier)
        both_views = averaged and loader is runner._val_dataloader
        for part in datasets(loader['dataset']):
            replace_pipeline(part, store, stages, both_views)
        for key in ('num_workers', 'persistent_workers', 'prefetch_factor', 'worker_init_fn'):
            loader.pop(key, None)  # reading a map takes less time than passing it on
    model.data_preprocessor = FeaturePreprocessor()
    model.data_preprocessor.to(next(model.parameters()).device)
    # the instance's own: copies of the model (EMA) have it too, and the state_dict is as ever
    model.backbone.forward = lambda maps: maps
    runner.register_hook(FeatureHook(store, stages))


def check_frozen(backbone: nn.Module) -> None:
    """Raise a FeatureError where training would change a backbone's weights or statistics."""
    training = backbone.training
    backbone.train()
    moving = [n for n, m in backbone.named_modules() if isinstance(m, _NormBase) and m.training]
    backbone.train(training)
    trained = [name for name, p in backbone.named_parameters() if p.requires_grad]
    if trained or moving:
        what = f'{len(trained)} parameters' if trained else f'statistics of {len(moving)} norms'
        seen = f'{what} change in training, first {(trained + moving)[0]}'
        expected = 'expected e.g. model.backbone.frozen=True of mlgcn.TIMMBackbone'
        raise FeatureError(f'the backbone is not frozen ({seen}); {expected}')


def datasets(dataset: Dataset) -> Iterator[Dataset]:
    """The data sets inside wrappers such as ClassBalancedDataset and ConcatDataset."""
    parts = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if parts == [None]:
        yield dataset
    for part in parts if parts != [None] else ():
        yield from datasets(part)


def replace_pipeline(
    dataset: Dataset, store: FeatureStore, stages: Sequence[str], both_views: bool = False
) -> None:
    """Give one data set a :class:`FeaturePipeline`; the log names the augmentation left out."""
    transforms = dataset.pipeline.transforms
    items = [dataset.get_data_info(i) for i in range(len(dataset))]
    if 'crop' in items[0]:
        raise FeatureError('samples are parts of images (crop); stored features are of whole ones')
    paths = [item['img_path'] for item in items]
    stored = {step['type'].rpartition('.')[2] for step in store.source['pipeline']}
    kept = (*stored, 'RandomFlip', 'PackInputs')
    names = [type(t).__name__ for t in transforms]
    out = [name for name in names if name not in kept]
    if out:
        print_log(f'stored features: {", ".join(out)} of the pipeline is left out', 'current')
    dataset.pipeline = FeaturePipeline(store, stages, paths, transforms, both_views)
