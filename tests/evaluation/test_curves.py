"""Precision-recall curves: a case worked by hand, and AP as their mean."""

import numpy as np
import pytest

from mlgcn.evaluation import multilabel_scores, precision_recall_curves


def test_by_hand():
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


def test_no_positive_at_all():
    curves = precision_recall_curves(np.zeros((3, 1), np.float32), np.zeros((3, 1)), 'addgcn')
    assert curves.macro is None and curves.micro.shape == (2, 0)
