"""The rules of the evaluators, worked by hand."""

import numpy as np
import pytest

from mlgcn.evaluation import evaluators
from mlgcn.evaluation.evaluators import EVALUATORS
from mlgcn.evaluation.protocols import PRF_NAMES

PRECISIONS = np.array([1, 1 / 2, 3 / 5])  # of the positives at ranks 1, 4 and 5


@pytest.mark.parametrize(
    'rule, value',
    [
        ('guarded_mean', (1 + 1 / 2 + 3 / 5) / (3 + 1e-8)),
        ('envelope', (1 + 3 / 5 + 3 / 5) / 3),
        ('eleven_points', (4 * 1 + 7 * 3 / 5) / 11),  # recalls 0 to .3, then .4 to 1
    ],
)
def test_average_precision_by_hand(rule, value):
    assert getattr(evaluators, rule)(PRECISIONS) == pytest.approx(value, abs=1e-12)


def figures(protocol, scores, targets):
    evaluator, targets = EVALUATORS[protocol], np.array(targets)
    predicted = evaluator.predict(np.array(scores), targets)[0]
    counts = (predicted & (targets == 1), predicted, targets == 1)
    with np.errstate(invalid='ignore'):
        values = evaluator.figures(*(table.sum(axis=0) for table in counts))
    return dict(zip(PRF_NAMES, values))


def test_a_class_that_is_never_predicted():
    csra = figures('csra', [[0.9, 0.1], [0.2, 0.3]], [[1, 1], [0, 0]])
    assert (csra['OP'], csra['CP']) == (0.5, 0.5)  # 1 of 1, and 0 of nothing counts as 0 of 1
    asl = figures('asl', [[0.9, 0.1], [0.2, 0.3]], [[1, 1], [0, 0]])
    assert (asl['OP'], asl['CP'], asl['CF1']) == (1, 0.5, 0.5)


@pytest.mark.parametrize('classes', [1, 2, 3, 4, 50])
@pytest.mark.parametrize('levels', [1, 2, 10, 10**6])
def test_csra_keeps_the_three_that_numpy_sorts_first(classes, levels):
    rng = np.random.RandomState(0)
    scores = (1 + rng.randint(0, levels, (40, classes)) / levels).astype(np.float32)
    _, top3 = EVALUATORS['csra'].predict(scores, np.zeros(scores.shape, np.int8))
    first = np.argsort(-scores, axis=1)[:, :3]
    assert [sorted(row) for row in first.tolist()] == [np.flatnonzero(r).tolist() for r in top3]
