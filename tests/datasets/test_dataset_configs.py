"""The shipped data configs: where they look, and that they read what lies there."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mlgcn.registry import DATASETS

FOLDER = Path(__file__).parents[2] / 'configs/_base_/datasets'
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def sizes(pipeline) -> list:
    return [t.get('scale') or t['size'] for t in pipeline if 'scale' in t or 'size' in t]


@pytest.mark.parametrize(
    ('name', 'root'),
    [
        ('coco14_addgcn_448', 'coco'),
        ('coco14_addgcn_576', 'coco'),
        ('voc07_448', 'VOCdevkit/VOC2007'),
        ('voc12_448', 'VOCdevkit/VOC2012'),
    ],
)
def test_root_comes_from_the_environment(name, root, monkeypatch):
    monkeypatch.delenv('MLGCN_DATA', raising=False)
    cfg = Config.fromfile(FOLDER / f'{name}.py')
    assert {cfg[loader].dataset.data_root for loader in LOADERS} == {f'data/{root}'}
    monkeypatch.setenv('MLGCN_DATA', '/some where/else')
    cfg = Config.fromfile(FOLDER / f'{name}.py')
    assert {cfg[loader].dataset.data_root for loader in LOADERS} == {f'/some where/else/{root}'}


def test_sizes():
    for name, test_size in [('coco14_addgcn_448', 448), ('coco14_addgcn_576', 576)]:
        cfg = Config.fromfile(FOLDER / f'{name}.py')
        pipeline = cfg.train_dataloader.dataset.pipeline
        assert [(t.squash, t['size']) for t in pipeline if 'squash' in t] == [(512, 448)]
        assert sizes(pipeline) == [448]
        for loader in LOADERS[1:]:
            assert sizes(cfg[loader].dataset.pipeline) == [(test_size, test_size)]


def test_coco_2014_conventions():
    cfg = Config.fromfile(FOLDER / 'coco14_addgcn_448.py')
    for loader, split in zip(LOADERS, ('train2014', 'val2014', 'val2014')):
        dataset = cfg[loader].dataset
        assert dataset.class_order == 'name'
        assert dataset.keep_unlabelled is False
        assert dataset.ann_file == f'annotations/instances_{split}.json'
        assert dataset.data_prefix == split


def test_voc_splits_and_difficult():
    for year, train, test in [('07', 'trainval', 'test'), ('12', 'train', 'val')]:
        cfg = Config.fromfile(FOLDER / f'voc{year}_448.py')
        for loader, split, difficult in [
            ('train_dataloader', train, 'positive'),
            ('val_dataloader', test, 'ignore'),
            ('test_dataloader', test, 'ignore'),
        ]:
            assert cfg[loader].dataset.split == split
            assert cfg[loader].dataset.difficult == difficult


def test_voc07_reads_a_devkit(voc, monkeypatch):
    root = voc()
    monkeypatch.setenv('MLGCN_DATA', str(root.parents[1]))
    cfg = Config.fromfile(FOLDER / 'voc07_448.py')
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(dataset) == 3
    assert dataset[0]['inputs'].shape == (3, 448, 448)
    with pytest.raises(FileNotFoundError, match=r'VOCtest_06-Nov-2007\.tar'):
        DATASETS.build(cfg.test_dataloader.dataset)
