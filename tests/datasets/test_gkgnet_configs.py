"""GKGNet's data configs: order and values of the transforms, conventions, class balance."""

import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import BaseDataset, ClassBalancedDataset
from mmengine.registry import DATA_SAMPLERS

from mlgcn.registry import DATASETS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / 'configs/_base_/datasets'
FACTS = json.loads((ROOT / 'tests/data/data.json').read_text())
CONFIGS = {'coco14_gkgnet_576': 576, 'coco14_gkgnet_448': 448, 'voc07_gkgnet_448': 448}
ORDER = [
    'mlgcn.LoadImage',
    'mlgcn.CropMix',
    'RandomFlip',
    'RandomErasing',
    'ColorJitter',
    'mlgcn.TrivialAugment',
    'PackInputs',
]


def config(name, monkeypatch, root='data'):
    monkeypatch.setenv('MLGCN_DATA', str(root))
    return Config.fromfile(FOLDER / f'{name}.py')


def datasets(cfg):
    """The three data sets' configs, without the class-balancing wrapper."""
    train = cfg.train_dataloader.dataset
    return [train.get('dataset', train), cfg.val_dataloader.dataset, cfg.test_dataloader.dataset]


@pytest.mark.parametrize(('name', 'size'), CONFIGS.items())
def test_transforms(name, size, monkeypatch):
    train, val, test = datasets(config(name, monkeypatch))
    assert [step.type for step in train.pipeline] == ORDER
    _, mix, flip, erase, jitter, _, _ = train.pipeline
    assert (mix.size, mix.prob, flip.prob, erase.erase_prob) == (size, 0.5, 0.5, 0.5)
    assert (erase.min_area_ratio, erase.max_area_ratio) == (0.02, 1 / 3)
    assert (jitter.brightness, jitter.contrast, jitter.saturation) == (0.4, 0.4, 0.4)
    for dataset in (val, test):
        squash = dataset.pipeline[1]
        assert squash.scale == (size, size)
        assert (squash.interpolation, squash.backend) == ('bicubic', 'pillow')


def test_erased_pixels_are_noise_around_the_mean_in_image_order(monkeypatch):
    cfg = config('coco14_gkgnet_576', monkeypatch)
    assert cfg.data_preprocessor.to_rgb  # so images are BGR until then
    erase = datasets(cfg)[0].pipeline[3]
    assert erase.mode == 'rand'
    assert list(erase.fill_color) == cfg.data_preprocessor.mean[::-1]
    assert list(erase.fill_std) == cfg.data_preprocessor.std[::-1]


@pytest.mark.parametrize('size', [448, 576])
def test_coco_conventions(size, monkeypatch):
    cfg = config(f'coco14_gkgnet_{size}', monkeypatch, root='/else where')
    for dataset, split in zip(datasets(cfg), ('train2014', 'val2014', 'val2014')):
        assert dataset.data_root == '/else where/coco'
        assert dataset.ann_file == f'annotations/instances_{split}.json'
        assert dataset.data_prefix == split
        assert dataset.class_order == 'id' and dataset.keep_unlabelled is True
    assert cfg.val_evaluator.protocol == 'gkgnet'


def test_coco_trains_class_balanced(coco, monkeypatch, tmp_path):
    root = coco()
    (root / 'annotations/instances_train.json').rename(
        root / 'annotations/instances_train2014.json'
    )
    (root / 'train').rename(root / 'train2014')
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/coco').symlink_to(root)
    cfg = config('coco14_gkgnet_448', monkeypatch, root=tmp_path / 'data')
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert dataset.metainfo['classes'] == ('person', 'zebra', 'ant')
    assert len(dataset) == 3  # the image without labels too
    for item in dataset:
        assert item['inputs'].shape == (3, 448, 448)
        assert item['data_samples'].gt_score.shape == (3,)


def test_voc_reads_a_devkit(voc, monkeypatch):
    cfg = config('voc07_gkgnet_448', monkeypatch, root=voc().parents[1])
    train, val, _ = datasets(cfg)
    assert (train.split, train.difficult) == ('trainval', 'positive')
    assert (val.split, val.difficult) == ('test', 'ignore')
    assert DATASETS.build(train)[0]['inputs'].shape == (3, 448, 448)


class Labels(BaseDataset):
    """The fixture's labels as a data set."""

    def load_data_list(self):
        return [{'gt_label': np.flatnonzero(row)} for row in FACTS['class_balanced_target']]

    def get_cat_ids(self, idx):
        return self.get_data_info(idx)['gt_label']


@pytest.mark.parametrize('threshold', [0.01, 0.05])
def test_upstreams_class_balance_is_the_published_one(threshold):
    """Images without labels have the factor 1 in both."""
    fact = FACTS[f'class_balanced_thr_{threshold}']
    dataset = ClassBalancedDataset(Labels(), oversample_thr=threshold)
    assert dataset.repeat_indices == fact['indices'] and len(dataset) == fact['length']
    factors = dataset._get_repeat_factors(dataset.dataset, threshold)
    assert factors == pytest.approx(fact['repeat_factors'], rel=1e-9)
    assert any(not any(row) for row in FACTS['class_balanced_target'])


def test_repeated_augmentation_is_offered_and_off(monkeypatch):
    sampler = config('coco14_gkgnet_576', monkeypatch).train_dataloader.sampler
    assert sampler.type == 'DefaultSampler'
    assert (
        'train_dataloader.sampler.type=RepeatAugSampler'
        in (FOLDER.parent / 'pipelines/gkgnet_576.py').read_text()
    )
    sampler.update(type='RepeatAugSampler', dataset=range(8), seed=0)
    assert len(set(DATA_SAMPLERS.build(sampler))) == 3  # 8 images: three of them thrice
