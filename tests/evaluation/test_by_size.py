"""AP by object size: each band ranks its own positives among all negatives."""

import numpy as np
import pytest

from mlgcn.evaluation import multilabel_scores, scores_by_size


def test_by_hand():
    scores = np.float32([[5], [4], [3], [2], [1], [0]])
    targets = np.int8([[1], [0], [1], [1], [-1], [1]])
    areas = np.array([[31 * 33], [0], [1024], [96 * 96], [5], [0]])
    bands = scores_by_size(scores, targets, areas, 'addgcn')
    assert {name: int(band.positives[0]) for name, band in bands.items()} == {
        'small': 1, 'medium': 1, 'large': 1}  # fmt: skip
    assert [round(bands[name].ap[0], 4) for name in bands] == [100, 50, 50]
    assert bands['large'].mean_ap == pytest.approx(50)


@pytest.mark.parametrize('protocol', ['addgcn', 'gkgnet'])
def test_one_band_for_all_is_ap(protocol):
    rng = np.random.default_rng(0)
    targets = (rng.random((60, 4)) < 0.3).astype(np.int8)
    scores = (rng.normal(size=targets.shape) + targets).astype(np.float32)
    bands = scores_by_size(scores, targets, np.full(targets.shape, 2000), protocol)
    result = multilabel_scores(scores, targets, protocol)
    np.testing.assert_allclose(bands['medium'].ap, result.ap)
    assert bands['medium'].mean_ap == pytest.approx(result['mAP'])
    assert np.isnan(bands['small'].ap).all() and np.isnan(bands['large'].mean_ap)
