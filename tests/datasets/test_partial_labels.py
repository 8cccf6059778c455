"""The published layouts with unknown labels: what each must return, and faults by file and line."""

import json
import shutil
from pathlib import PurePosixPath

import numpy as np
import pytest
from mmengine.logging import MMLogger
from paths import TESTS

from mlgcn.datasets import CocoMultiLabel, PartialLabels, VOCMultiLabel
from mlgcn.datasets.partial_labels import LAYOUTS

DATA = TESTS / 'data/layouts'
# layout: (folder, options)
SAMPLES = {
    'openimages_v6': (
        'openimages_v6',
        dict(ann_file='oidv6-train-annotations-human-imagelabels.csv'),
    ),
    'miil_csv': ('miil_openimages_csv', dict(ann_file='data.csv')),
    'chexpert': ('chexpert', dict(ann_file='train.csv')),
    'lvis': ('lvis_v1', dict(ann_file='lvis_v1_train.json')),
    'nuswide': ('nuswide', {}),
    'vg500': ('vg500', dict(ann_file='train_list_500.txt')),
    'wider_attribute': (
        'wider_attribute',
        dict(ann_file='Annotations/wider_attribute_trainval.json'),
    ),
    'csra_json': ('csra_json', dict(ann_file='test_wider.json')),
    'robust_loss_txt': ('robust_loss_txt', dict(ann_file='coco_train_0.4left.txt')),
    'spml_npy': ('spml_npy', dict(ann_file='formatted_train_labels_obs.npy')),
}


def build(layout, root=None, **options):
    folder, ours = SAMPLES[layout]
    options = {'data_root': str(root or DATA / folder), 'check_images': False, **ours, **options}
    return PartialLabels(layout, **options)


def rows(dataset):
    """[(image without its ending, labels)] in order."""
    items = [dataset.get_data_info(i) for i in range(len(dataset))]
    paths = [PurePosixPath(item['img_path']).relative_to(dataset.img_prefix) for item in items]
    return [(str(p.with_suffix('')), i['gt_score'].tolist()) for p, i in zip(paths, items)]


def expected(folder):
    return json.loads((DATA / folder / 'expected.json').read_text())


def stem(name):
    return name.partition('#')[0].removesuffix('.jpg')


@pytest.mark.parametrize(
    'layout',
    ['openimages_v6', 'miil_csv', 'chexpert', 'lvis', 'nuswide', 'wider_attribute', 'spml_npy'],
)
def test_rows_of_the_layout(layout):
    dataset, told = build(layout), expected(SAMPLES[layout][0])
    assert list(dataset.metainfo['classes']) == told['classes']
    images = [(stem(row['image']), row['target']) for row in told['rows']]
    if layout == 'openimages_v6':
        images, (last,) = images[:3], images[3:]  # which is in the validation file
        classes = str(DATA / layout / 'oidv6-classes-trainable.txt')
        name = 'validation-annotations-human-imagelabels.csv'
        assert rows(build(layout, ann_file=name, classes=classes)) == [last]
    assert rows(dataset) == images


@pytest.mark.parametrize(
    ('layout', 'split', 'kept'),
    [
        ('miil_csv', 'train', [0, 1]), ('miil_csv', 'val', [2]),
        ('nuswide', 'train', [0, 2]), ('nuswide', 'test', [1, 3]),
    ],
)  # fmt: skip
def test_splits(layout, split, kept):
    told = expected(SAMPLES[layout][0])
    assert {told['split'][i] for i in kept} == {split}
    images = [(stem(told['rows'][i]['image']), told['rows'][i]['target']) for i in kept]
    assert rows(build(layout, split=split)) == images
    with pytest.raises(ValueError, match="split='dev'"):
        build(layout, split='dev')


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


@pytest.mark.parametrize(('difficult', 'value'), [('ignore', -1), ('negative', 0), ('positive', 1)])
def test_uncertain_observations_of_chexpert(difficult, value):
    told = expected('chexpert')
    uncertain = np.array(told['uncertain']) == 1
    target = np.array([t for _, t in rows(build('chexpert', difficult=difficult))])
    assert (target[uncertain] == value).all()
    plain = np.array([row['target'] for row in told['rows']])
    np.testing.assert_array_equal(target[~uncertain], plain[~uncertain])
    blank = build('chexpert', unlisted='negative', difficult=difficult)
    assert (np.array([t for _, t in rows(blank)])[(plain == -1) & ~uncertain] == 0).all()


def test_the_layouts_that_other_readers_read():
    told = expected('coco')
    ann_file = 'annotations/instances_train2014.json'
    coco = CocoMultiLabel(ann_file, data_root=str(DATA / 'coco'), check_images=False)
    assert rows(coco) == [(stem(row['image']), row['target']) for row in told['rows']]
    told = expected('voc2007')
    found = []
    for split in ('trainval', 'test'):
        root = str(DATA / 'voc2007/VOC2007')
        voc = VOCMultiLabel(data_root=root, split=split, difficult='ignore', check_images=False)
        assert list(voc.metainfo['classes']) == told['classes']
        found += [(PurePosixPath(path).name, target) for path, target in rows(voc)]
    assert found == [(row['image'], row['target']) for row in told['rows']]


def test_machine_labels_where_they_are_sure():
    machine = dict(machine_file='train-annotations-machine-imagelabels.csv')
    found = dict(rows(build('openimages_v6', **machine, machine_confidence=0.6)))
    assert found['00000000000000a1'] == [1, 0, 1, 1] and found['00000000000000b2'][0] == -1
    assert dict(rows(build('openimages_v6', **machine, machine_confidence=0.5)))[
        '00000000000000b2'
    ] == [1, 0, -1, -1]
    with pytest.raises(ValueError, match='machine_confidence'):
        build('openimages_v6', **machine)


def test_open_images_without_a_list_of_classes_and_with_rows_apart(tmp_path):
    text = 'ImageID,Source,LabelName,Confidence\na1,verification,/m/2,1\nb2,verification,/m/1,0\n'
    (tmp_path / 'human.csv').write_text(text + 'a1,verification,/m/1,1\na1,verification,/m/2,0\n')
    dataset = build('openimages_v6', tmp_path, ann_file='human.csv')
    assert dataset.metainfo['classes'] == ('/m/1', '/m/2')
    assert sorted(rows(dataset)) == [('a1', [1, -1]), ('b2', [0, -1])]


@pytest.mark.parametrize('layout', LAYOUTS)
def test_the_policy_is_logged(layout, caplog):
    MMLogger.get_current_instance().addHandler(caplog.handler)
    build(layout, difficult='negative', keep_unlabelled=False)
    assert f'layout {layout}' in caplog.text and '(unlisted)' in caplog.text
    assert 'without a positive label are left out' in caplog.text
    if LAYOUTS[layout].difficult:
        assert 'negative (difficult)' in caplog.text


def test_images_without_a_positive_label_can_be_left_out():
    assert len(build('nuswide')) == 4 and len(build('nuswide', keep_unlabelled=False)) == 3


FAULTS = [  # layout, file, text, its replacement, words of the message
    ('openimages_v6', '', 'b2,verification,/m/0zz02,0', 'b2,verification,/m/0zz02,0.5', ['line 5']),
    ('openimages_v6', '', 'ImageID,', 'Image,', ['line 1', 'header']),
    ('openimages_v6', '', '00000000000000b2,', '../../x,', ['line 5', '../../x']),
    ('miil_csv', '', "['/m/0zz02']\",train", "open('x')\",train", ['line 2', 'open(']),
    ('miil_csv', '', '[],val', '[],test', ['line 4', 'val']),
    ('chexpert', '', 'PA,,,-1.0', 'PA,,,0.5', ['line 3', '0.5']),
    ('chexpert', '', ',Edema', ',Fracture', ['line 1', 'once']),
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
        ['Labels_sky.txt', 'line 2'],
    ),
    ('nuswide', 'ImageList/Imagelist.txt', 'zoo\\0003_900000003.jpg\n', '', ['3 lines', '4 lines']),
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
    ('csra_json', '', '[1, 0, 99]', '[1, -1, 99]', ['[0]', '-1', '99']),
    ('csra_json', '', '"img_path"', '"path"', ['[0]', 'img_path']),
    ('robust_loss_txt', '', '.jpg,41', '.jpg 41', ['line 2', '41']),
    ('robust_loss_txt', '', '.jpg,41', '.jpg,', ['line 2']),
]


@pytest.mark.parametrize(('layout', 'file', 'old', 'new', 'words'), FAULTS)
def test_faults_are_named(tmp_path, layout, file, old, new, words):
    folder, options = SAMPLES[layout]
    shutil.copytree(DATA / folder, tmp_path / 'data')
    path = tmp_path / 'data' / (file or options['ann_file'])
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode())
    with pytest.raises(ValueError) as caught:
        build(layout, tmp_path / 'data')
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize('name', ['images', 'labels_obs'])
@pytest.mark.parametrize('fault', ['pickle', 'short', 'shape', 'text', 'absent'])
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
    error = FileNotFoundError if fault == 'absent' else ValueError
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


def test_mistyped_layout():
    with pytest.raises(ValueError, match='lvis'):
        PartialLabels('lvis_v1', 'x.json')
