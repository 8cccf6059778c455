"""Sparse labels: items, subsets, what workers share."""

import copy

import numpy as np
import pytest

from mlgcn.datasets.label_table import LabelTable

PAIRS = [[(1, 1), (0, -1), (2, 0)], [], [(2, 1), (1, 1)]]


def table(unlisted=0, crops=(None,) * 3):
    new = LabelTable(unlisted)
    for path, pairs, crop in zip(('a.jpg', 'ü/b.jpg', 'a.jpg'), PAIRS, crops):
        new.append(path, pairs, crop)
    new.renumber([3, 0, 1], 4)
    return new


@pytest.mark.parametrize('unlisted', [0, -1])
def test_items(unlisted):
    found = table(unlisted)
    u = unlisted
    assert [item['gt_score'].tolist() for item in found] == [[1, 0, u, -1], [u] * 4, [1, 1, u, u]]
    assert [item['gt_label'] for item in found] == [[0], [], [0, 1]]
    assert [item['img_path'] for item in found] == ['a.jpg', 'ü/b.jpg', 'a.jpg']
    assert found[-1]['gt_score'].dtype == np.int8 and 'crop' not in found[0]
    assert len(found.columns) == (4 if unlisted == 0 else 4)
    with pytest.raises(IndexError):
        found[3]


def test_parts_and_counts():
    found = table(-1)
    assert found.counts().tolist() == [2, 1, 0, 0]
    assert found.unlabelled().tolist() == [False, True, False]
    for part in (found[1:], found.keep([1, 2]), copy.deepcopy(found[1:])):
        assert [item['img_path'] for item in part] == ['ü/b.jpg', 'a.jpg']
        np.testing.assert_array_equal(part[1]['gt_score'], found[2]['gt_score'])


def test_an_image_may_be_listed_with_several_crops():
    assert table().repeated_paths() == {'a.jpg'}
    crops = ((0, 0, 5, 5), (0, 0, 5, 5), (1, 0, 5, 5))
    found = table(crops=crops)
    assert found.repeated_paths() == set()
    assert [found[i]['crop'] for i in range(3)] == list(crops)
    assert found[2:][0]['crop'] == crops[2]


def test_repeated_images_become_one():
    found = table(-1).merged({'a.jpg'})
    assert [item['img_path'] for item in found] == ['ü/b.jpg', 'a.jpg']
    # columns 3, 0, 1 are 0 (unlisted), 1 and 0 in the first row, column 1 is 1 in the other
    assert found[1]['gt_score'].tolist() == [1, -1, -1, -1]


def test_paths_of_other_encodings():
    found = LabelTable()
    for path in ('\udcff.jpg', '\ud800.jpg', ''):  # a byte of Latin-1 on the disk; json's escape
        found.append(path, [])
    assert [found.path(i) for i in range(3)] == ['\udcff.jpg', '\ud800.jpg', '']
