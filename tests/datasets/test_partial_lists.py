"""Lists in json, text and numpy's files: their numbered classes, codings, boxes, and faults."""

import os
import shutil

import numpy as np
import pytest
from layouts import DATA, assert_fault_is_named, build, expected, rows, stem

FAULTS = [  # layout, file, text, its replacement, words of the message
    ('lvis', '', '"neg_category_ids": [2]', '"neg_category_ids": [77]', ['id 7', '77']),
    (
        'lvis',
        '',
        '"neg_category_ids": [2]',
        '"neg_category_ids": [1]',
        ['id 7', 'two states', 'kite'],
    ),
    ('lvis', '', '"images"', '"pictures"', ['images', 'list']),
    (
        'nuswide',
        'Groundtruth/AllLabels/Labels_sky.txt',
        '1\n0',
        '1\n2',
        ['Labels_sky.txt, line 2', "'2'"],
    ),
    (
        'nuswide',
        'ImageList/Imagelist.txt',
        'zoo\\0003_900000003.jpg\n',
        '',
        ['3 images', 'Imagelist.txt', '4 lines'],
    ),
    ('vg500', '', '9000002.jpg', 'x.jpg', ['line 2', 'x.jpg']),
    (
        'vg500',
        'vg_category_500_labels_index.json',
        '[0, 499]',
        '[0, 500]',
        ['line 1', '500', '499'],
    ),
    (
        'wider_attribute',
        '',
        '"attribute": [1, -1',
        '"attribute": [2, -1',
        ['targets[0]', 'Parade', '2'],
    ),
    ('wider_attribute', '', '[10.0, 12.0, 40.0', '[10.0, 12.0, -4', ['targets[0]', 'bbox']),
    ('wider_attribute', '', '[10.0, 12.0, 40.0', '[NaN, 12.0, 40.0', ['targets[0]', 'bbox', 'nan']),
    ('csra_json', '', '[1, 0, 99]', '[1, -1, 99]', ['[0]', '-1', '99']),
    ('csra_json', '', '"img_path"', '"path"', ['[0]', 'img_path']),
    ('robust_loss_txt', '', '.jpg,41', '.jpg 41', ['line 2', '41']),
    ('robust_loss_txt', '', '.jpg,41', '.jpg,', ['line 2']),
    (
        'lvis',
        '',
        '"not_exhaustive_category_ids": [3]',
        '"not_exhaustive_category_ids": [[3]]',
        ['image id 8', '[[3]]'],
    ),
    ('lvis', '', '"coco_url"', '"file_name": 5, "coco_url"', ['image id 7', "'5'"]),
    ('lvis', '', '"name": "anvil"', '"name": "kite"', ['categories', "'name'", 'once', 'kite']),
    ('lvis', '', '"id": 8', '"id": 7', ['images', "'id'", 'once', '7']),
    (
        'nuswide',
        'ConceptsList/Concepts81.txt',
        'sky',
        'animal',
        ['Concepts81.txt', 'twice: animal'],
    ),
    ('vg500', 'vg_category_500_labels_index.json', '[17]', '{}', ['line 2', '9000002.jpg', '{}']),
    ('csra_json', '', 'Image/test/0--Parade/x.jpg', '', ['[0]', 'image', "''"]),
    ('robust_loss_txt', '', '.jpg, 8', '.jpg,8,9', ['line 3', ',8,9']),
    (
        'robust_loss_txt',
        '',
        '000000000030',
        '000000000025',
        ['second time', 'line 2', 'line 3', '41; 8'],
    ),
]


@pytest.mark.parametrize(('layout', 'file', 'old', 'new', 'words'), FAULTS)
def test_faults_are_named(tmp_path, layout, file, old, new, words):
    assert_fault_is_named(layout, tmp_path, file, old, new, words)


@pytest.mark.parametrize('layout', ['robust_loss_txt', 'vg500'])
def test_numbered_classes(layout):
    told = expected(layout)
    names = [f'class {k}' for k in range(told['num_classes'])]
    for split in ('train', 'test') if layout == 'vg500' else ('',):
        options = {'ann_file': f'{split}_list_500.txt'} if split else {}
        dataset = build(layout, classes=names, **options)
        images = [row for row in told['rows'] if row.get('split', '') == split]
        assert [path for path, _ in rows(dataset)] == [stem(row['image']) for row in images]
        assert [np.flatnonzero(t).tolist() for _, t in rows(dataset)] == [
            row['positive'] for row in images
        ]
    assert build(layout).metainfo['classes'][:2] == ('0', '1')
    unknown = rows(build(layout, unlisted='unknown'))
    assert {value for _, target in unknown for value in target} == {1, -1}


def test_both_codings_of_csra():
    told = expected('csra_json')
    assert [target for _, target in rows(build('csra_json'))] == [told['wider']]
    assert build('csra_json').get_data_info(0)['crop'] == (1, 2, 31, 62)
    voc = build('csra_json', ann_file='test_voc07.json')
    assert [target for _, target in rows(voc)] == [told['voc07']]
    wider = build('csra_json', difficult='negative')
    assert [target for _, target in rows(wider)] == [[1, 0, 0]]


def test_boxes_of_wider_are_samples_of_their_own():
    dataset, told = build('wider_attribute'), expected('wider_attribute')
    for i, (left, top, width, height) in enumerate(told['bbox_xywh']):
        crop = dataset.get_data_info(i)['crop']
        np.testing.assert_allclose(crop, (left, top, left + width, top + height), rtol=1e-6)


@pytest.mark.parametrize('name', ['images', 'labels_obs'])
@pytest.mark.parametrize('fault', ['pickle', 'short', 'shape', 'text', 'absent', 'pipe'])
def test_arrays_that_are_none(tmp_path, name, fault):
    shutil.copytree(DATA / 'spml_npy', tmp_path / 'data')
    path = tmp_path / f'data/formatted_train_{name}.npy'
    if fault == 'pickle':
        np.save(path, np.array([{}, 1], dtype=object), allow_pickle=True)
    elif fault == 'short':
        path.write_bytes(path.read_bytes()[:-8])
    elif fault == 'shape':
        np.save(path, np.zeros((2, 2, 2), 'U3' if name == 'images' else np.float64))
    elif fault == 'text':
        path.write_text('no array')
    else:
        path.unlink()
    if fault == 'pipe':
        os.mkfifo(path)
    error = {'absent': FileNotFoundError, 'pipe': (ValueError, OSError)}.get(fault, ValueError)
    with pytest.raises(error, match=f'formatted_train_{name}.npy'):
        build('spml_npy', tmp_path / 'data')


def test_names_that_are_no_characters(tmp_path):
    shutil.copytree(DATA / 'spml_npy', tmp_path / 'data')
    path = tmp_path / 'data/formatted_train_images.npy'
    path.write_bytes(path.read_bytes()[:-1] + b'\x09')
    with pytest.raises(ValueError, match='formatted_train_images.npy.*0x9'):
        build('spml_npy', tmp_path / 'data')


def test_values_of_arrays(tmp_path):
    shutil.copytree(DATA / 'spml_npy', tmp_path / 'data')
    complete = build('spml_npy', ann_file='formatted_train_labels.npy')
    assert {v for _, target in rows(complete) for v in target} == {0, 1}
    path = tmp_path / 'data/formatted_train_labels_obs.npy'
    labels = np.load(path)
    labels[1, 2] = 3
    np.save(path, labels)
    with pytest.raises(ValueError, match=r'row 1.*3\.0'):
        build('spml_npy', tmp_path / 'data')


def test_the_name_of_the_images_follows_from_that_of_the_labels(tmp_path):
    shutil.copytree(DATA / 'spml_npy', tmp_path / 'data')
    (tmp_path / 'data/formatted_train_labels.npy').rename(tmp_path / 'data/all.npy')
    with pytest.raises(
        ValueError, match='all.npy: expected a name with _labels, as formatted_train_labels.npy'
    ):
        build('spml_npy', tmp_path / 'data', ann_file='all.npy')
