"""The bootstrap equals the metrics on images that are really repeated."""

import numpy as np
import pytest

from mlgcn.evaluation import (
    METRIC_NAMES,
    PROTOCOLS,
    bootstrap_scores,
    centred,
    draw_images,
    interval,
    multilabel_scores,
)

pytestmark = pytest.mark.filterwarnings('ignore:.*no positive image')


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    targets = (rng.random((90, 5)) < (0.5, 0.3, 0.2, 0.1, 0.05)).astype(np.int8)
    targets[rng.random(targets.shape) < 0.05] = -1
    scores = (rng.normal(size=targets.shape) + 1.5 * targets - 1).astype(np.float32)
    return scores, targets


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_every_image_once_is_the_result(data, protocol):
    result = multilabel_scores(*data, protocol)
    sample = bootstrap_scores(*data, protocol, np.ones((90, 1), np.uint8))
    for name in METRIC_NAMES:
        assert sample.values[name] == pytest.approx(result[name], abs=1e-4)
    np.testing.assert_allclose(sample.ap[:, 0], result.ap, atol=1e-4)


def test_equals_scores_of_repeated_images(data):
    # ADD-GCN's protocol; a stable order of copies is one of those that its unstable sort may give,
    # and copies have one target each, so the order within them changes nothing
    draws = draw_images(90, 6, seed=1)
    sample = bootstrap_scores(*data, 'addgcn', draws)
    for r in range(6):
        rows = np.repeat(np.arange(90), draws[:, r])
        result = multilabel_scores(data[0][rows], data[1][rows], 'addgcn')
        np.testing.assert_allclose(sample.ap[:, r], result.ap, atol=1e-4)
        for name in METRIC_NAMES:
            assert sample.values[name][r] == pytest.approx(result[name], abs=1e-4)


def test_draws_are_seeded_and_complete():
    draws = draw_images(50, 20, seed=7)
    assert draws.shape == (50, 20) and (draws.sum(axis=0) == 50).all()
    assert np.array_equal(draws, draw_images(50, 20, seed=7))
    assert not np.array_equal(draws, draw_images(50, 20, seed=8))


@pytest.mark.parametrize('protocol, ap', [('addgcn', np.nan), ('gkgnet', 0)])
def test_class_without_positives(protocol, ap):
    scores = np.float32([[1, 2], [3, 4], [-1, 2]])
    targets = np.int8([[1, 0], [0, 0], [1, 0]])
    sample = bootstrap_scores(scores, targets, protocol, draw_images(3, 9))
    np.testing.assert_array_equal(sample.ap[1], np.full(9, ap, np.float32))
    assert np.isfinite(sample.values['mAP']).all()


def test_interval_is_centred_and_skips_nan():
    values = np.array([[1.0, 2, 3, 4, np.nan], [np.nan] * 5])
    low, high = interval(values, np.array([10.0, 10]), percent=100)
    np.testing.assert_allclose(low, [8.5, np.nan])
    np.testing.assert_allclose(high, [11.5, np.nan])
    np.testing.assert_allclose(centred(np.array([0.0, 2]), 5), [4, 6])


def test_wrong_input_is_named(data):
    with pytest.raises(ValueError, match="'coco'.*'addgcn', 'gkgnet'"):
        bootstrap_scores(*data, 'coco', np.ones((90, 2), np.uint8))
    with pytest.raises(ValueError, match='draws of 80 images, but scores of 90'):
        bootstrap_scores(*data, 'addgcn', np.ones((80, 2), np.uint8))
