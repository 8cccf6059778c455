import json
from pathlib import Path

import numpy as np
import pytest

from mlgcn.datasets import CocoMultiLabel, JsonMultiLabel
from mlgcn.datasets.coco import read_coco

FACTS = json.loads((Path(__file__).parents[1] / 'data/data.json').read_text())


def read(root, **options):
    return CocoMultiLabel(
        ann_file='annotations/instances_train.json', data_root=root, data_prefix='train', **options
    )


def refused(root, error=ValueError, **options) -> str:
    with pytest.raises(error) as caught:
        read(str(root), **options)
    message = str(caught.value)
    assert '\n' not in message
    return message


def table(dataset) -> dict:
    """{file name: scores}, in the data set's order."""
    items = [dataset.get_data_info(i) for i in range(len(dataset))]
    return {Path(item['img_path']).name: item['gt_score'].tolist() for item in items}


def test_order_by_id_keeps_images_without_labels(coco):
    dataset = read(str(coco()))
    assert dataset.metainfo['classes'] == ('person', 'zebra', 'ant')
    assert table(dataset) == {'20.jpg': [1, 0, 1], '10.jpg': [0, 1, 0], '30.jpg': [0, 0, 0]}
    assert list(table(dataset)) == ['20.jpg', '10.jpg', '30.jpg']
    item = dataset.get_data_info(0)
    assert item['gt_label'] == [0, 2] == dataset.get_cat_ids(0)
    assert item['gt_score'].dtype == np.int8
    assert dataset.get_cat_ids(2) == []


def test_order_by_name_and_unlabelled_dropped(coco):
    dataset = read(str(coco()), class_order='name', keep_unlabelled=False)
    assert dataset.metainfo['classes'] == ('ant', 'person', 'zebra')
    assert table(dataset) == {'20.jpg': [1, 1, 0], '10.jpg': [0, 0, 1]}


def test_order_of_coco_2014_is_the_published_one(coco):
    """All 80 categories, listed in a shuffled order: both systems' class orders come out."""
    ids = [i for i in range(1, 91) if i not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)]
    categories = [{'id': i, 'name': name} for i, name in zip(ids, FACTS['classes_gkgnet'])]
    np.random.RandomState(0).shuffle(categories)
    root = str(coco(categories=categories))
    assert list(read(root).metainfo['classes']) == FACTS['classes_gkgnet']
    by_name = read(root, class_order='name').metainfo['classes']
    assert list(by_name) == FACTS['classes_addgcn_sorted']


def test_given_classes_win(coco):
    root = str(coco())
    wanted = ('zebra', 'unseen', 'person', 'ant')
    expected = {'20.jpg': [0, 0, 1, 1], '10.jpg': [1, 0, 0, 0], '30.jpg': [0, 0, 0, 0]}
    for options in ({'classes': wanted}, {'metainfo': {'classes': list(wanted)}}):
        dataset = read(root, **options)
        assert dataset.metainfo['classes'] == wanted
        assert table(dataset) == expected


def test_class_outside_the_given_ones(coco):
    message = refused(coco(), classes=('person', 'ant'))
    for word in ('instances_train.json', 'image id 10', 'zebra', 'person, ant'):
        assert word in message


def test_a_listed_category_without_annotations_needs_no_class(coco):
    root = str(coco(annotations=[{'id': 1, 'image_id': 20, 'category_id': 2}]))
    assert table(read(root, classes=('person',)))['20.jpg'] == [1]


def test_nothing_is_wrong(coco, capsys):
    """What unlisted labels mean is logged, and no more."""
    read(str(coco()))
    lines = ''.join(capsys.readouterr()).splitlines()
    assert all(line.endswith('(unlisted)') for line in lines)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'annotations': None}, ["'annotations'", 'images, categories']),
        ({'images': {}}, ["'images'", 'list', '{}']),
        ({'images': [{'id': 1}]}, ["'file_name'", 'images[0]', "{'id': 1}"]),
        ({'images': [7]}, ["'id'", 'images[0]', '7']),
        ({'annotations': [{'image_id': 20, 'category_id': 2}]}, ["'id'", 'annotations[0]']),
        ({'categories': [{'id': '3', 'name': 'x'}]}, ["'id'", 'int', 'categories[0]']),
        ({'categories': [{'id': True, 'name': 'x'}]}, ["'id'", 'int', 'categories[0]']),
        (
            {'annotations': [{'id': 1, 'image_id': 20, 'category_id': 5}]},
            ['category_id 5', 'categories'],
        ),
        ({'annotations': [{'id': 1, 'image_id': 21, 'category_id': 2}]}, ['image_id 21', 'images']),
        ({'categories': [{'id': i, 'name': 'ant'} for i in (2, 7, 9)]}, ["'name'", 'ant']),
        ({'images': [{'id': 5, 'file_name': f} for f in 'ab']}, ["'id'", 'images', '5']),
        (
            {'annotations': [{'id': 4, 'image_id': 20, 'category_id': c} for c in (2, 7)]},
            ["'id' of annotations", '4'],
        ),
        ({'categories': [{'id': 2, 'name': 'ant'}, {'id': 7, 'name': 'ant '}]}, ['once', 'ant']),
        ({'categories': [{'id': 2, 'name': ' '}]}, ["'name'", 'not empty']),
        ({'images': [], 'annotations': []}, ['no image']),
        ({'categories': [], 'annotations': []}, ['no class']),
    ],
)
def test_wrong_content(coco, changes, words):
    message = refused(coco(**changes))
    for word in ['instances_train.json', *words]:
        assert word in message


def test_sizes_and_boxes_as_exporters_write_them(coco):
    """Sizes as text or fractions are numbers; null stands for what is not stated."""
    sizes = [('48', '32'), (48.0, 32.4), (None, 0), (float('nan'), 32), ('x', 1)]
    keys = ('id', 'file_name', 'width', 'height')
    images = [dict(zip(keys, (i, f'{i}.jpg', *size))) for i, size in enumerate(sizes)]
    keys = ('id', 'image_id', 'category_id', 'bbox')
    boxes = [[1, 2, 3, 4], ['1', '2', '3', '4'], None, [1, 2, 3]]
    annotations = [dict(zip(keys, (i, i, 2, box))) for i, box in enumerate(boxes)]
    root = coco(images=images, annotations=annotations)
    found = read_coco(root / 'annotations/instances_train.json').images
    assert [labels.size for labels in found] == [(48, 32), (48, 32), None, None, None]
    corners = [labels.boxes[0].corners for labels in found[:4]]
    assert corners[:3] == [(1, 2, 4, 6), (1, 2, 4, 6), None] and corners[3][0] != corners[3][0]


def test_a_list_is_not_coco(coco):
    root = coco()
    (root / 'annotations' / 'instances_train.json').write_text('[1]')
    message = refused(root)
    assert 'instances_train.json' in message
    assert 'images, annotations, categories' in message


def test_absent_annotation_file(coco):
    root = coco()
    (root / 'annotations' / 'instances_train.json').unlink()
    assert 'instances_train.json' in refused(root, FileNotFoundError)


def test_absent_data_root_says_what_to_download(tmp_path, monkeypatch):
    monkeypatch.delenv('MLGCN_DATA', raising=False)
    root = str(tmp_path / 'coco')
    with pytest.raises(FileNotFoundError) as caught:
        CocoMultiLabel(ann_file='annotations/instances_train2014.json', data_root=root)
    words = (root, 'train2014.zip', 'annotations_trainval2014.zip', 'cocodataset.org', 'MLGCN_DATA')
    for word in (*words, 'unset'):
        assert word in str(caught.value)


def test_mistyped_class_order(coco):
    message = refused(coco(), class_order='alphabet')
    assert 'alphabet' in message
    assert "'name'" in message


@pytest.mark.parametrize(
    ('extra', 'left_out'),
    [
        ({'id': 0, 'name': 'pets', 'supercategory': 'none'}, True),
        ({'id': 0, 'name': '_background_', 'supercategory': None}, True),
        ({'id': 0, 'name': 'owl', 'supercategory': 'none'}, False),
        ({'id': 0, 'name': 'owl', 'supercategory': 'owl'}, False),
    ],
)
def test_categories_that_exporters_add(coco, extra, left_out):
    names = {2: 'person', 7: 'zebra', 9: 'ant'}
    pets = [{'id': i, 'name': name, 'supercategory': 'pets'} for i, name in names.items()]
    dataset = read(str(coco(categories=[extra, *pets])))
    assert (extra['name'] not in dataset.metainfo['classes']) == left_out
    assert (extra['name'] in ' '.join(dataset.notes)) == left_out


def test_all_faults_of_a_file(coco):
    annotations = [{'id': i, 'image_id': 20, 'category_id': '2'} for i in range(3)]
    message = refused(coco(annotations=annotations, images=[{'id': 20}]))
    for word in ('images[0]', 'annotations[0]', 'annotations[2]'):
        assert word in message


def test_contradictory_labels_of_one_image(coco):
    images = [{'id': 20, 'file_name': '10.jpg'}, {'id': 10, 'file_name': './10.jpg'}]
    annotations = [{'id': i, 'image_id': i, 'category_id': c} for i, c in ((10, 7), (20, 2))]
    message = refused(coco(images=images, annotations=annotations))
    for word in ('image id 10', '10.jpg', 'zebra', 'person', 'image id 20'):
        assert word in message


def write_list(root, **changes):
    content = {'metainfo': {'classes': ['cat', 'dog', 'fox']}, 'data_list': [
        {'img_path': f'{i}.jpg', 'gt_label': labels}
        for i, labels in ((20, [0]), (10, [1, 2]), (30, []))]}  # fmt: skip
    path = root / 'train' / 'list.json'
    path.write_text(json.dumps({**content, **changes}))
    return path


def test_the_json_of_mmpretrain(coco):
    dataset = JsonMultiLabel(str(write_list(coco())), data_prefix=str(coco() / 'train'))
    assert dataset.metainfo['classes'] == ('cat', 'dog', 'fox')
    assert table(dataset) == {'20.jpg': [1, 0, 0], '10.jpg': [0, 1, 1], '30.jpg': [0, 0, 0]}


def test_the_classes_of_the_file_go_by_name(coco):
    """Upstream would number the file's indices by the classes that are given."""
    path, wanted = str(write_list(coco())), ['dog', 'owl', 'fox', 'cat']
    dataset = JsonMultiLabel(path, data_prefix=str(coco() / 'train'), classes=wanted)
    assert table(dataset) == {'20.jpg': [0, 0, 0, 1], '10.jpg': [1, 0, 1, 0], '30.jpg': [0] * 4}
    path = str(write_list(coco(), metainfo={}))
    dataset = JsonMultiLabel(path, data_prefix=str(coco() / 'train'), classes=wanted)
    assert table(dataset)['20.jpg'] == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ('changes', 'word'),
    [
        ({'metainfo': {}}, 'classes'),
        ({'data_list': [{'img_path': 'a', 'gt_label': [3]}]}, r'data_list\[0\].*3'),
        ({'data_list': [{'img_path': 'a'}, 7]}, r'data_list\[1\]'),
        ({'data_list': [{'img_path': 'a', 'gt_label': [1.0]}]}, r'indices.*1\.0'),
        ({'data_list': [{'img_path': 'a', 'gt_label': [True]}]}, 'indices.*True'),
        ({'data_list': [{'img_path': 'a', 'gt_label': [[1]]}]}, 'indices'),
        ({'data_list': [{'img_path': 'a', 'gt_label': [0, 1, 1]}]}, '0 and 1 for each class'),
        ({'metainfo': {'classes': ['a', 'a']}}, "each once.*'a'"),
        ({'metainfo': {'classes': [1, 2]}}, 'text.*1, 2'),
    ],
)
def test_wrong_json_of_mmpretrain(coco, changes, word):
    with pytest.raises(ValueError, match=word):
        JsonMultiLabel(str(write_list(coco(), **changes)))
