"""Thresholds against brute force over every cut."""

import math

import numpy as np
import pytest

from mlgcn.evaluation.thresholds import Objective, best_threshold, choose_thresholds

OBJECTIVES = ('f1', 'f2', 'precision=0.7', 'recall=0.8', 'cost=1:3', 'cost=2.5:1')


def counts(probabilities, targets, threshold):
    """Hits, false alarms, misses, by counting."""
    present = [p >= threshold for p in probabilities]
    pairs = [pair for pair in zip(present, targets) if pair[1] != -1]
    return tuple(pairs.count(pair) for pair in ((True, 1), (True, 0), (False, 1)))


def worth(text, hits, wrong, missed):
    """The value of a decision, greater is better; from the textbook's definitions."""
    name, _, number = text.partition('=')
    precision = hits / (hits + wrong) if hits + wrong else 0.0
    recall = hits / (hits + missed) if hits + missed else 0.0
    if name in ('f1', 'f2'):
        beta2 = float(name[1]) ** 2
        below = beta2 * precision + recall
        return ((1 + beta2) * precision * recall / below if below else 0.0,)
    if name == 'cost':
        of_wrong, of_missed = map(float, number.split(':'))
        return (-(of_wrong * wrong + of_missed * missed),)
    aim, rest = (precision, recall) if name == 'precision' else (recall, precision)
    return (True, rest) if hits and aim >= float(number) - 1e-9 else (False, aim)


def columns(seed, number=25):
    """Random scores with many ties, at both ends too, and some uncounted labels."""
    rng = np.random.default_rng(seed)
    p = rng.random((number, 40), np.float32)
    p[:, 10:20] = np.round(p[:, 10:20] * 6) / 6
    p[:, 20:25] = (p[:, 20:25] > 0.5).astype(np.float32)
    p[:, 25] = 0.3
    targets = (rng.random(p.shape) < 0.15 + 0.6 * p).astype(np.int8)
    targets[:, 26:30] = rng.random((number, 4)) < 0.08
    targets[rng.random(p.shape) < 0.1] = -1
    targets[:, 30], targets[:, 31], targets[:, 32] = 0, 1, -1
    return p, targets


@pytest.mark.parametrize('text', OBJECTIVES)
def test_no_threshold_is_better(text):
    for seed in range(3):
        p, targets = columns(seed)
        for k in range(p.shape[1]):
            found, reached = best_threshold(p[:, k], targets[:, k], Objective.parse(text))
            candidates = [*np.unique(p[:, k]).tolist(), 2.0]
            values = [worth(text, *counts(p[:, k], targets[:, k], c)) for c in candidates]
            mine = worth(text, *counts(p[:, k], targets[:, k], found))
            assert mine == pytest.approx(max(values)), (seed, k)
            if text.startswith(('precision', 'recall')):
                assert reached == max(values)[0]
            # of equally good ones the fewest labels
            best = [c for c, v in zip(candidates, values) if v == pytest.approx(max(values))]
            expected = counts(p[:, k], targets[:, k], max(best))
            assert counts(p[:, k], targets[:, k], found)[:2] == expected[:2]


def test_midway_between_neighbours():
    def threshold(*targets):
        p = np.float32([0.9, 0.7, 0.4, 0.2])
        return best_threshold(p, np.int8(targets), Objective('f1'))[0]

    assert threshold(1, 1, 0, 0) == np.float32(0.55)
    assert threshold(1, 1, -1, 0) == np.float32(0.45)  # the uncounted score is no neighbour
    assert threshold(1, 1, 1, 1) == np.float32(0.1)
    assert threshold(0, 0, 0, 0) == np.float32(0.95)
    assert threshold(-1, -1, -1, -1) == np.float32(0.5)


def test_neighbours_without_a_number_between_them():
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    for p, targets in (([high, low], [1, 0]), ([1, 0], [0, 0]), ([1e-45, 0], [1, 0])):
        p = np.float32(p)
        threshold, _ = best_threshold(p, np.int8(targets), Objective('f1'))
        assert ((p >= threshold) == np.bool_(targets)).all(), (p, threshold)


def test_classes_with_few_positives_share():
    rng = np.random.default_rng(0)
    p = rng.random((100, 4), np.float32)
    targets = (rng.random(p.shape) < p).astype(np.int8)
    for k in (1, 3):
        targets[np.flatnonzero(targets[:, k] == 1)[6:], k] = 0
    objective = Objective('f1')

    chosen = choose_thresholds(p, targets, objective, min_positives=10)
    assert chosen.shared.tolist() == [False, True, False, True]
    assert chosen.pooled_over == 'the classes that share it'  # 12 positives together
    pooled, _ = best_threshold(p[:, [1, 3]], targets[:, [1, 3]], objective)
    first, third = (best_threshold(p[:, k], targets[:, k], objective)[0] for k in (0, 2))
    assert chosen.values.tolist() == [first, pooled, third, pooled]

    chosen = choose_thresholds(p, targets, objective, min_positives=13)
    everything, _ = best_threshold(p, targets, objective)
    assert chosen.pooled_over == 'all classes'
    assert chosen.values.tolist() == [first, everything, third, everything]

    chosen = choose_thresholds(p, targets, objective, per_class=False)
    assert chosen.values.tolist() == [everything] * 4 and chosen.shared.all()


def test_objectives_in_words():
    assert Objective.parse('precision=0.9') == Objective('precision', target=0.9)
    assert Objective.parse('cost=1:5') == Objective('cost', costs=(1.0, 5.0))
    wrong = 'f3 F1 f1= f1=2 precision precision= precision=0 recall=1.1 recall=nan cost cost=1 '
    wrong += 'cost=1:2:3 cost=-1:2 cost=inf:1 cost=nan:1 cost=1:nan'
    for text in ['', *wrong.split()]:
        with pytest.raises(ValueError, match='expected f1, f2, precision=P'):
            Objective.parse(text)
    assert math.isclose(Objective.parse('recall=1').target, 1)
