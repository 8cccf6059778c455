"""Several models and seeds on the same images."""

import numpy as np
import pytest

from mlgcn.evaluation import multilabel_scores
from mlgcn.evaluation.comparison import compare_scores

RNG = np.random.default_rng(0)
TARGETS = (RNG.random((200, 5)) < 0.3).astype(np.int8)
GROUPS = np.arange(200) // 4


def logits(strength):
    return [TARGETS * strength + RNG.normal(size=TARGETS.shape) for _ in range(3)]


@pytest.fixture(scope='module')
def compared():
    return compare_scores({'weak': logits(0.5), 'good': logits(2.0)}, TARGETS, GROUPS)


def test_means_are_those_of_multilabel_scores():
    tables = logits(1.0)
    compared = compare_scores({'a': tables}, TARGETS, GROUPS)
    values = [multilabel_scores(table, TARGETS)['mAP'] for table in tables]
    np.testing.assert_allclose(compared.by_seed, [values])
    assert compared.best == 0 and compared.share_best(0) == 1


def test_a_clear_difference_is_found(compared):
    assert compared.names[compared.best] == 'good' and compared.share_best(1) == 1
    value, low, high = compared.difference(1, 0)
    assert 0 < low < value < high
    low, high = compared.interval(1)
    assert low < compared.mean[1] < high


def test_equal_models_are_not_separated():
    tables = logits(1.0)
    compared = compare_scores({'a': tables, 'b': tables}, TARGETS, GROUPS)
    assert compared.difference(0, 1) == (0, 0, 0)


def test_groups_widen_intervals():
    tables = [TARGETS * 1.0 + RNG.normal(size=(50, 5)).repeat(4, axis=0) for _ in range(3)]
    widths = []
    for groups in (np.arange(200), GROUPS):
        low, high = compare_scores({'a': tables}, TARGETS, groups).interval(0)
        widths.append(high - low)
    assert widths[1] > widths[0]
