"""Temperature, reliability and the held-out measures against slow, independent computations."""

import math

import numpy as np
import pytest
import torch

from mlgcn.evaluation import Calibration, calibrate
from mlgcn.evaluation.calibration import (
    COLDEST,
    HOTTEST,
    at_temperature,
    fit_temperature,
    negative_log_likelihood,
    reliability,
)
from mlgcn.evaluation.thresholds import Objective, choose_thresholds

CLASSES = tuple('abcdef')


def drawn(number=400, classes=6, temperature=1.7, seed=0):
    """Logits that are `temperature` times too sure, and labels drawn accordingly."""
    rng = np.random.default_rng(seed)
    logits = (2 * rng.standard_normal((number, classes)) - 1).astype(np.float32)
    targets = (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(np.int8)
    targets[rng.random(logits.shape) < 0.05] = -1
    return logits * np.float32(temperature), targets


def likelihood(logits, targets, temperature):
    """Label by label."""
    total = count = 0
    for z, y in zip(logits.ravel().tolist(), targets.ravel().tolist()):
        if y >= 0:
            p = 1 / (1 + math.exp(-z / temperature))
            total -= math.log(p if y else 1 - p)
            count += 1
    return total / count


def test_negative_log_likelihood():
    logits, targets = drawn(30)
    assert negative_log_likelihood(logits, targets) == pytest.approx(likelihood(logits, targets, 1))
    assert negative_log_likelihood(np.float32([[1000, -1000]]), np.int8([[0, 0]])) == 500


@pytest.mark.parametrize('temperature', [0.4, 1.0, 1.7, 6.0])
def test_temperature_has_the_least_likelihood(temperature):
    logits, targets = drawn(200, temperature=temperature)
    found = fit_temperature(logits, targets)
    values = [negative_log_likelihood(logits / t, targets) for t in np.geomspace(0.05, 20, 400)]
    assert negative_log_likelihood(logits / found, targets) <= min(values)
    assert found == pytest.approx(temperature, rel=0.15)


def test_temperature_has_no_slope_left():
    logits, targets = drawn(5000, seed=3)
    known, scale = targets >= 0, 1 / fit_temperature(logits, targets)
    z, y = (torch.from_numpy(table[known]).double() for table in (logits, targets))
    slope = (z * (torch.sigmoid(scale * z) - y)).mean()
    curvature = (z**2 * torch.sigmoid(scale * z) * torch.sigmoid(-scale * z)).mean()
    assert abs(slope / curvature) < 1e-8 * scale  # the step that Newton's method would still make


def test_temperature_stays_in_bounds():
    logits = np.float32([[3, -3], [2, -1]])
    right, wrong = np.int8([[1, 0], [1, 0]]), np.int8([[0, 1], [0, 1]])
    assert fit_temperature(logits, right) == pytest.approx(COLDEST, rel=0.01)
    assert fit_temperature(logits, wrong) == pytest.approx(HOTTEST, rel=0.01)


def test_reliability():
    p = np.float32([[0.05, 0.05, 0.95], [1.0, 0.0, 0.95], [0.05, 0.5, 0.05]])
    targets = np.int8([[0, 1, 1], [1, 0, 0], [-1, 1, 0]])
    found = reliability(p, targets, bins=10)
    assert found.count.tolist() == [4, 0, 0, 0, 0, 1, 0, 0, 0, 3]
    assert found.predicted[0] == pytest.approx(0.15 / 4) and found.observed[0] == 1 / 4
    assert found.predicted[9] == pytest.approx(2.9 / 3) and found.observed[9] == 2 / 3
    gaps = 4 * (0.25 - 0.15 / 4) + 1 * 0.5 + 3 * (2.9 / 3 - 2 / 3)
    assert found.error == pytest.approx(gaps / 8)


def test_logits_beyond_exp():
    assert at_temperature(np.float32([-2e4, 0, 2e4]), 0.1).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize('per_class', [True, False])
def test_measures_are_of_the_other_half(per_class):
    logits, targets = drawn()
    order = np.random.default_rng(7).permutation(len(logits))
    fitted, held = order[:200], order[200:]
    record, diagrams = calibrate(logits, targets, CLASSES, 'f1', per_class, 5, seed=7)
    assert record['temperature'] == fit_temperature(logits, targets)
    assert (record['held_out']['images'], record['images']) == (200, 400)
    temperature = fit_temperature(logits[fitted], targets[fitted])
    assert list(diagrams) == ['temperature 1', f'fitted temperature {temperature:.3g}']
    chosen = choose_thresholds(
        at_temperature(logits[fitted], temperature),
        targets[fitted], Objective('f1'), per_class, 5,
    )  # fmt: skip
    before, after = record['held_out']['before'], record['held_out']['after']
    for measures, t, thresholds in (
        (before, 1, np.full(6, 0.5)),
        (after, temperature, chosen.values),
    ):
        p, y = at_temperature(logits[held], t), targets[held]
        assert measures['NLL'] == pytest.approx(likelihood(logits[held], y, t), rel=1e-5)
        assert measures['ECE'] == pytest.approx(100 * reliability(p, y).error, rel=1e-5)
        present = p >= thresholds
        hits, wrong, missed = (
            (a & b).sum(axis=0)
            for a, b in ((present, y == 1), (present, y == 0), (~present, y == 1))
        )
        f1 = 2 * hits / (2 * hits + wrong + missed)
        assert measures['CP'] == pytest.approx(100 * (hits / (hits + wrong)).mean())
        assert measures['CR'] == pytest.approx(100 * (hits / (hits + missed)).mean())
        overall = 2 * hits.sum() / (2 * hits + wrong + missed).sum()
        assert measures['OF1'] == pytest.approx(100 * overall)
        own = measures['F1, mean of classes' if per_class else 'F1, all decisions']
        assert own == pytest.approx(100 * (f1.mean() if per_class else overall))
    assert after['NLL'] < before['NLL'] and after['ECE'] < before['ECE']


def test_other_objectives_measure_themselves():
    logits, targets = drawn()
    held = np.random.default_rng(0).permutation(400)[200:]
    present = (at_temperature(logits[held], 1) >= 0.5) & (targets[held] >= 0)
    positive = targets[held] == 1
    measured = calibrate(logits, targets, CLASSES, 'cost=1:4')[0]['held_out']
    wrong, missed = (present & ~positive).sum(), (~present & positive).sum()
    assert measured['before']['cost per image'] == pytest.approx((wrong + 4 * missed) / 200)
    assert measured['after']['cost per image'] < measured['before']['cost per image']
    record = calibrate(logits, targets, CLASSES, 'recall=0.9')[0]
    reached = (present & positive).sum(axis=0) >= 0.9 * positive.sum(axis=0)
    name = '% reach recall 0.9, mean of classes'
    assert record['held_out']['before'][name] == pytest.approx(100 * reached.mean())
    assert record['not_reached'] == []


@pytest.mark.parametrize(
    'logits, targets, words',
    [
        (np.zeros((3, 2)), np.ones((3, 2)), '3 images .* expected 4'),
        (np.full((4, 2), np.nan), np.ones((4, 2)), 'NaN or infinite'),
        (np.zeros((4, 2)), np.zeros((4, 2)), 'with 0 positive labels'),
    ],
)
def test_wrong_data(logits, targets, words):
    with pytest.raises(ValueError, match=words):
        calibrate(logits, targets, CLASSES, 'f1')


@pytest.mark.parametrize(
    'damage',
    [
        {'temperature': 0}, {'temperature': float('nan')}, {'temperature': 'x'},
        {'thresholds': [0.5]}, {'thresholds': [0.5, float('nan')]}, {'images': None},
    ],
    ids=str,
)  # fmt: skip
def test_damaged_metadata(damage):
    stated = dict(temperature=1.5, thresholds=[0.3, 0.6], objective='f1', images=9)
    good = Calibration.from_metadata({'calibration': stated}, 2)
    assert good.present(good.probabilities(np.float32([0, 0]))).tolist() == [True, False]
    assert Calibration.from_metadata({}, 2).thresholds.tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match='calibration'):
        Calibration.from_metadata({'calibration': stated | damage}, 2)
