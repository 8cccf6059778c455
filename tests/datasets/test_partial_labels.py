"""The published layouts with unknown labels: what each must return."""

from pathlib import PurePosixPath

import pytest
from layouts import DATA, SAMPLES, build, expected, rows, stem
from mmengine.logging import MMLogger

from mlgcn.datasets import CocoMultiLabel, PartialLabels, VOCMultiLabel
from mlgcn.datasets.partial_labels import LAYOUTS


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


def test_mistyped_layout():
    with pytest.raises(ValueError, match='lvis'):
        PartialLabels('lvis_v1', 'x.json')
