from pathlib import Path

import pytest
from mmengine.config import Config

from mlgcn.datasets import CocoMultiLabel, CsvMultiLabel, VOCMultiLabel, own_photos, use_own_photos
from mlgcn.registry import DATASETS

CONFIG = Path(__file__).parents[2] / 'configs/_base_/datasets/own_448.py'


def test_coco_in_cocos_layout(coco):
    dataset = own_photos(str(coco() / 'annotations/instances_train.json'))
    assert type(dataset) is CocoMultiLabel
    assert len(dataset) == 3


def test_coco_beside_its_images(coco):
    root = coco()
    beside = root / 'train/_annotations.coco.json'
    (root / 'annotations/instances_train.json').rename(beside)
    assert len(own_photos(str(beside))) == 3


def test_csv_beside_its_images(tmp_path, photo, monkeypatch):
    photo(tmp_path / 'photos/sub/a.jpg')
    (tmp_path / 'photos/train.csv').write_text('sub/a.jpg,dog\n')
    monkeypatch.chdir(tmp_path)
    dataset = own_photos('photos/train.csv', classes=['cat', 'dog'])
    assert type(dataset) is CsvMultiLabel
    assert dataset.get_cat_ids(0) == [1]


def test_images_elsewhere(tmp_path, photo):
    photo(tmp_path / 'elsewhere/a.jpg')
    (tmp_path / 'train.csv').write_text('a.jpg,dog\n')
    with pytest.raises(FileNotFoundError, match=r'a\.jpg'):
        own_photos(str(tmp_path / 'train.csv'))
    assert len(own_photos(str(tmp_path / 'train.csv'), str(tmp_path / 'elsewhere'))) == 1


def test_voc_split_and_whole_folder(voc):
    root = voc(lists=False)
    (root / 'ImageSets/Main/some.txt').write_text('b\n')
    one = own_photos(str(root / 'ImageSets/Main/some.txt'), difficult='ignore')
    assert type(one) is VOCMultiLabel
    assert len(one) == 1
    assert one.get_data_info(0)['gt_score'].tolist() == [1, -1]
    assert len(own_photos(str(root))) == 3


def test_what_it_cannot_be(tmp_path):
    (tmp_path / 'train.xlsx').write_text('')
    for path, error in [
        ('', ValueError),
        (str(tmp_path / 'train.xlsx'), ValueError),
        (str(tmp_path), ValueError),
        (str(tmp_path / 'absent.csv'), FileNotFoundError),
    ]:
        with pytest.raises(error) as caught:
            own_photos(path)
        for word in ('json', 'CSV', 'ImageSets/Main', 'Annotations/', path or 'own.train='):
            assert word in str(caught.value)


def test_config_with_two_options(voc):
    """Train and val by options; test follows val; all three data sets build."""
    root = voc()
    cfg = Config.fromfile(CONFIG)
    split = str(root / 'ImageSets/Main/trainval.txt')
    cfg.merge_from_dict({'own.train': str(root), 'own.val': split})
    use_own_photos(cfg)
    read = {n: DATASETS.build(cfg[f'{n}_dataloader'].dataset) for n in ('train', 'val', 'test')}
    assert [read[n].split for n in read] == ['', 'trainval', 'trainval']
    assert [read[n].difficult for n in read] == ['positive', 'ignore', 'ignore']
    assert read['train'][0]['inputs'].shape == (3, 448, 448)
    assert read['test'][0]['inputs'].shape == (3, 448, 448)


def test_config_with_test_and_images(tmp_path, photo):
    photo(tmp_path / 'elsewhere/a.jpg')
    for name in ('train', 'val', 'test'):
        (tmp_path / f'{name}.csv').write_text(f'a.jpg,{name}\n')
    cfg = Config.fromfile(CONFIG)
    options = {f'own.{name}': str(tmp_path / f'{name}.csv') for name in ('train', 'val', 'test')}
    cfg.merge_from_dict({**options, 'own.images': str(tmp_path / 'elsewhere')})
    use_own_photos(cfg)
    for name in ('train', 'val', 'test'):
        dataset = DATASETS.build(cfg[f'{name}_dataloader'].dataset)
        assert dataset.metainfo['classes'] == (name,)


def test_config_without_own_photos_is_left_alone():
    cfg = Config({'train_dataloader': {'dataset': {}}})
    use_own_photos(cfg)
    assert cfg.to_dict() == {'train_dataloader': {'dataset': {}}}


def test_mistyped_option():
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict({'own.tain': 'x.csv'})
    with pytest.raises(ValueError, match='expected the keys train, val, .*, seen tain'):
        use_own_photos(cfg)


def test_nothing_chosen():
    cfg = Config.fromfile(CONFIG)
    use_own_photos(cfg)
    with pytest.raises(ValueError, match=r'own\.train=PATH own\.val=PATH'):
        DATASETS.build(cfg.train_dataloader.dataset)
