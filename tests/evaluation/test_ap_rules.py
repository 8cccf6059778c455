"""Every definition of AP on one ranking, by hand."""

import numpy as np
import pytest

from mlgcn.evaluation import ap_rules

POSITIVE = np.array([True, False, False, True, True])  # precisions 1, 1/2, 1/3, 1/2, 3/5
SCORES = np.array([0.9, 0.8, 0.5, 0.5, 0.1])


@pytest.mark.parametrize(
    'rule, expected',
    [
        ('mean_precision', (1 + 1 / 2 + 3 / 5) / 3),
        ('guarded_mean_precision', (1 + 1 / 2 + 3 / 5) / (3 + 1e-8)),
        ('envelope', (1 + 3 / 5 + 3 / 5) / 3),
        ('eleven_points', (4 * 1 + 7 * 3 / 5) / 11),  # recalls 0 to .3, then .4 to 1
        ('tied_mean_precision', (1 + 1 / 2 + 3 / 5) / 3),
    ],
)
def test_by_hand(rule, expected):
    assert getattr(ap_rules, rule)(POSITIVE, SCORES) == pytest.approx(expected, abs=1e-12)


def test_equal_scores_are_one_threshold():
    for positive in ([True, False], [False, True]):
        rule = ap_rules.tied_mean_precision
        assert rule(np.array(positive), np.array([0.5, 0.5])) == pytest.approx(1 / 2)
