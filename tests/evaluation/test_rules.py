"""Every definition of AP on one ranking, by hand; decisions are compared in test_published.py."""

import numpy as np
import pytest

from mlgcn.evaluation import rules

PRECISIONS = np.array([1, 1 / 2, 3 / 5])  # of the positives at ranks 1, 4 and 5


@pytest.mark.parametrize(
    'rule, expected',
    [
        ('guarded_mean', (1 + 1 / 2 + 3 / 5) / (3 + 1e-8)),
        ('envelope', (1 + 3 / 5 + 3 / 5) / 3),
        ('eleven_points', (4 * 1 + 7 * 3 / 5) / 11),  # recalls 0 to .3, then .4 to 1
    ],
)
def test_by_hand(rule, expected):
    assert getattr(rules, rule)(PRECISIONS) == pytest.approx(expected, abs=1e-12)


def test_a_class_that_is_never_predicted():
    scores, targets = np.array([[0.9, 0.1], [0.2, 0.3]]), np.array([[1, 1], [0, 0]])
    csra = rules.csra_decisions(scores, targets, known_only=True)
    assert (csra['OP'], csra['CP']) == (50, 50)  # 1 of 1, and 0 of nothing counts as 0 of 1
    asl = rules.asl_decisions(scores, targets, threshold=0.8)
    assert (asl['OP'], asl['CP'], asl['CF1']) == (100, 50, 50)
