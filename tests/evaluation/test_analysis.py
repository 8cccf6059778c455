"""Curves, pairs of labels and AP by size: cases worked by hand, and their relation to AP."""

import json

import numpy as np
import pytest
from fill import stream
from paths import TESTS

from mlgcn.evaluation import (
    label_pairs,
    multilabel_scores,
    precision_recall_curves,
    scores_by_size,
)

TABLES = json.loads((TESTS / 'data/metrics/metrics_peers.json').read_text())['tables']
TABLES = {name: table for name, table in TABLES.items() if 'gkgnet_area_ap' in table}
# numpy's order of equal scores depends on the processor's vector instructions
FEATURES = np._core._multiarray_umath.__cpu_features__
SORTS_LIKE_THE_FIXTURES = FEATURES.get('X86_V3') or FEATURES.get('AVX2')


def test_curves_by_hand():
    # class 0 in order: positive, negative, positive, difficult, positive -> 1/1, 2/3, 3/4
    scores = np.float32([[5, -1], [4, -2], [3, -3], [2, -4], [1, -5]])
    targets = np.int8([[1, 0], [0, 0], [1, 0], [-1, 0], [1, 0]])
    curves = precision_recall_curves(scores, targets, 'addgcn')
    np.testing.assert_allclose(curves.classes[0], [[100 / 3, 200 / 3, 100], [100, 200 / 3, 75]])
    assert curves.classes[1].shape == (2, 0)
    np.testing.assert_allclose(curves.micro, curves.classes[0])  # class 1 ranks last
    assert curves.macro.shape == (2, 50)
    np.testing.assert_allclose(curves.macro[1, [0, 15, 16, 32, 33, 49]],
                               [100, 100, 200 / 3, 200 / 3, 75, 75])  # fmt: skip
    gkgnet = precision_recall_curves(scores, targets, 'gkgnet')  # difficult is negative
    np.testing.assert_allclose(gkgnet.classes[0][1], [100, 200 / 3, 60])


def test_mean_precision_is_ap_and_many_points_are_thinned():
    rng = np.random.default_rng(0)
    targets = (rng.random((400, 3)) < (0.1, 0.3, 0.5)).astype(np.int8)
    scores = (rng.normal(size=targets.shape) + targets).astype(np.float32)
    result = multilabel_scores(scores, targets)
    curves = precision_recall_curves(scores, targets, 'addgcn', points=1000)
    for curve, ap, number in zip(curves.classes, result.ap, result.positives):
        assert curve.shape == (2, number) and curve[1].mean() == pytest.approx(ap)
    thin = precision_recall_curves(scores, targets, 'addgcn')
    recall = thin.classes[2][0]
    assert len(recall) == 50 and recall[-1] == 100
    whole = dict(zip(*curves.classes[2]))
    assert [whole[x] for x in recall] == thin.classes[2][1].tolist()


def test_curves_without_a_positive():
    curves = precision_recall_curves(np.zeros((3, 1), np.float32), np.zeros((3, 1)), 'addgcn')
    assert curves.macro is None and curves.micro.shape == (2, 0)


def test_pairs_by_hand():
    targets = np.int8([[1, 1], [1, 0], [1, 0], [0, 0], [1, -1]])
    predicted = np.array([[1, 1], [1, 1], [0, 0], [1, 1], [1, 1]], bool)
    pairs = label_pairs(predicted, targets)
    np.testing.assert_array_equal(pairs.together, [[4, 1], [1, 1]])
    assert pairs.absent[0, 1] == 2 and pairs.absent[1, 0] == 0  # the difficult one counts in none
    assert pairs.falsely[0, 1] == 1 and pairs.falsely[1, 0] == 0
    np.testing.assert_allclose(pairs.base, [1, 2 / 3])
    assert pairs.cooccurrence[0, 1] == np.float32(1 / 3)
    assert np.isclose(pairs.expected[0, 1], 4 / 3)


def test_size_by_hand():
    scores = np.float32([[5], [4], [3], [2], [1], [0]])
    targets = np.int8([[1], [0], [1], [1], [-1], [1]])
    areas = np.array([[31 * 33], [0], [1024], [96 * 96], [5], [0]])
    bands = scores_by_size(scores, targets, areas, 'addgcn')
    assert {name: int(band.positives[0]) for name, band in bands.items()} == {
        'small': 1, 'medium': 1, 'large': 1}  # fmt: skip
    assert [round(bands[name].ap[0], 4) for name in bands] == [100, 50, 50]
    assert bands['large'].mean_ap == pytest.approx(50)


@pytest.mark.parametrize('name', TABLES)
def test_size_equals_the_published_function(name):
    with np.load(TESTS / f'data/metrics/metric_{name}.npz') as file:
        scores, targets = file['logits'], file['target'].astype(np.int8)
    drawn = stream(f'area:{name}').random_sample(targets.shape)
    areas = np.round(10 ** (2 + 3 * drawn), 1)
    areas[drawn < 0.02], areas[drawn > 0.98], areas[targets != 1] = 1024, 9216, 0
    expected = TABLES[name]
    assert areas.sum() == pytest.approx(expected['gkgnet_area_check']['sum'])
    bands = scores_by_size(scores, targets, areas, 'gkgnet')
    number = [int(band.positives.sum()) for band in bands.values()]
    assert number == expected['gkgnet_area_check']['counts_s_m_l']
    if ('ties' in name or 'edge' in name) and not SORTS_LIKE_THE_FIXTURES:
        return
    for band, letter, mean in zip(bands.values(), 'sml', expected['gkgnet_mAP_area_s_m_l']):
        np.testing.assert_allclose(band.ap, 100 * np.array(expected['gkgnet_area_ap'][letter]))
        assert band.mean_ap == pytest.approx(100 * mean, abs=1e-9)


@pytest.mark.parametrize('protocol', ['addgcn', 'gkgnet'])
def test_one_band_for_all_is_ap(protocol):
    rng = np.random.default_rng(0)
    targets = (rng.random((60, 4)) < 0.3).astype(np.int8)
    scores = (rng.normal(size=targets.shape) + targets).astype(np.float32)
    bands = scores_by_size(scores, targets, np.full(targets.shape, 2000), protocol)
    result = multilabel_scores(scores, targets, protocol)
    np.testing.assert_allclose(bands['medium'].ap, result.ap)
    assert bands['medium'].mean_ap == pytest.approx(result['mAP'])
    empty = {'addgcn': np.nan, 'gkgnet': 0}[protocol]
    np.testing.assert_equal(bands['small'].ap, np.full(4, empty))
    np.testing.assert_equal(bands['large'].mean_ap, empty)
