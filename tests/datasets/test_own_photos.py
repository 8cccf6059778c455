import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import RepeatDataset
from torch.utils.data import ConcatDataset

from mlgcn.datasets import (
    CocoMultiLabel,
    CsvMultiLabel,
    VOCMultiLabel,
    own_photos,
    readers,
    unite_classes,
    use_own_photos,
)
from mlgcn.datasets.annotations import Labels
from mlgcn.datasets.own_photos import label_counts
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


def own_config(train):
    part = {'type': 'mlgcn.OwnPhotos', 'ann_file': ''}
    loaders = {f'{name}_dataloader': {'dataset': dict(part)} for name in ('val', 'test')}
    own = {'train': '', 'val': '', 'test': '', 'images': ''}
    return Config({'own': own, 'train_dataloader': {'dataset': train}, **loaders})


@pytest.mark.parametrize('name', ['train.CSV', 'train.tsv', 'TRAIN.TSV', 'list 1,2.csv'])
def test_other_endings_and_names(tmp_path, photo, name):
    photo(tmp_path / 'a.jpg')
    sign = '\t' if 'tsv' in name.lower() else ','
    (tmp_path / name).write_text(f'a.jpg{sign}ox dog\n')
    assert own_photos(str(tmp_path / name), separator=' ').metainfo['classes'] == ('dog', 'ox')


def test_the_json_of_mmpretrain(tmp_path, photo):
    photo(tmp_path / 'img/a.jpg')
    content = {
        'metainfo': {'classes': ['cat', 'dog']},
        'data_list': [{'img_path': 'img/a.jpg', 'gt_label': [1]}],
    }
    (tmp_path / 'train.json').write_text(json.dumps(content))
    assert own_photos(str(tmp_path / 'train.json')).get_cat_ids(0) == [1]


def test_two_lists_for_one_split(tmp_path):
    for name in 'ab':
        (tmp_path / f'{name}.csv').write_text('a.jpg,dog\n')
    for text in ('{0}/a.csv,{0}/b.csv', '[{0}/a.csv, {0}/b.csv]'):
        with pytest.raises(FileNotFoundError, match='one list for a split'):
            own_photos(text.format(tmp_path))


def test_options_reach_the_data_sets_in_wrappers():
    inner = {'type': 'mlgcn.OwnPhotos', 'ann_file': ''}
    cfg = own_config({'type': 'RepeatDataset', 'dataset': {'type': 'X', 'dataset': inner}})
    cfg.own.update(train='a.csv', separator=' ')
    use_own_photos(cfg)
    (part,) = readers(cfg.train_dataloader.dataset)
    assert (part.ann_file, part.separator) == ('a.csv', ' ')
    cfg = own_config({'type': 'MultiLabelDataset', 'ann_file': 'a.json'})
    use_own_photos(cfg)
    assert cfg.train_dataloader.dataset.type == 'mlgcn.JsonMultiLabel'
    cfg.own.train = 'a.csv'
    with pytest.raises(
        ValueError, match=r'own\.train: expected mlgcn\.OwnPhotos in train_dataloader\.d.* seen'
    ):
        use_own_photos(cfg)


@pytest.mark.parametrize(
    ('size', 'step', 'words'),
    [
        ('abc', 'Resize', 'own.size=abc: expected the side'),
        ('0', 'Resize', 'own.size=0'),
        ('[224,224]', 'Resize', r'own.size=\[224,224\]'),
        ('224', 'MultiScaleCrop', 'the pipeline of train_dataloader has no Resize, seen Mult'),
    ],
)
def test_a_size_that_cannot_be_set(size, step, words):
    pipeline = [dict(type=step, scale=(9, 9))]
    part = dict(type='mlgcn.OwnPhotos', pipeline=pipeline)
    cfg = dict(own=dict(train='a.csv', size=size), train_dataloader=dict(dataset=part))
    with pytest.raises(ValueError, match=words):
        use_own_photos(cfg)
    pipeline[0]['type'], cfg['own']['size'] = 'Resize', '224'
    use_own_photos(cfg)
    assert pipeline[0]['scale'] == (224, 224)


def test_lists_that_contradict_each_other_stop(tmp_path, photo):
    photo(tmp_path / 'a.jpg')
    parts = []
    photo(tmp_path / 'b.jpg')
    for name, labels in (('one', 'dog'), ('two', 'ant')):
        (tmp_path / f'{name}.csv').write_text(f'a.jpg,{labels}\nb.jpg,dog\n')
        parts.append({'type': 'mlgcn.OwnPhotos', 'ann_file': str(tmp_path / f'{name}.csv')})
    with pytest.raises(ValueError, match=r'a\.jpg in two lists that differ in dog: .*two\.csv, l'):
        unite_classes({'type': 'ConcatDataset', 'datasets': parts})
    parts[1]['ann_file'] = parts[0]['ann_file']
    unite_classes({'type': 'ConcatDataset', 'datasets': parts})  # the same labels: a repetition


def test_lists_with_different_classes_are_united(tmp_path, photo):
    """Also under ClassBalancedDataset, which asks what it wraps for the classes of an image."""
    photo(tmp_path / 'a.jpg')
    for name, labels in (('1', 'dog'), ('2', 'ant|fox')):
        (tmp_path / f'{name}.csv').write_text(f'a.jpg,{labels}\n')
    parts = [{'type': 'mlgcn.OwnPhotos', 'ann_file': f'{tmp_path}/{n}.csv'} for n in '12']
    concatenated = {'type': 'ConcatDataset', 'datasets': parts}
    wrapped = {'type': 'ClassBalancedDataset', 'oversample_thr': 0.1, 'dataset': concatenated}
    unite_classes(wrapped)
    dataset = DATASETS.build(wrapped)
    assert dataset.metainfo['classes'] == ('ant', 'dog', 'fox')
    assert [dataset.get_cat_ids(i) for i in range(2)] == [[1], [0, 2]]


def cats(tmp_path, lines):
    (tmp_path / 'a.csv').write_text('\n'.join(lines))
    return CsvMultiLabel(ann_file=str(tmp_path / 'a.csv'), check_images=False)


def test_counts_also_inside_wrappers(tmp_path):
    photos = cats(tmp_path, ['1.jpg,cat|dog', '2.jpg,cat', '3.jpg,', '4.jpg,cat|dog|owl'])
    nums, adj = label_counts(photos)
    assert photos.metainfo['classes'] == ('cat', 'dog', 'owl')
    assert nums.tolist() == [3, 2, 1]
    assert adj.tolist() == [[0, 2, 1], [2, 0, 1], [1, 1, 0]]
    assert np.array_equal(label_counts(RepeatDataset(photos, 3))[1], adj)
    assert np.array_equal(label_counts(ConcatDataset([photos, photos]))[0], 2 * nums)


def test_difficult_objects_do_not_count():
    class Photos:
        metainfo = dict(classes=('cat', 'dog'))

        @staticmethod
        def read_labels():
            return ('cat', 'dog'), [Labels('1.jpg', ['cat'], ['dog'], 'list')]

    assert label_counts(Photos())[0].tolist() == [1, 0]
