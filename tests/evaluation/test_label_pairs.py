"""Pairs of labels, counted by hand."""

import numpy as np

from mlgcn.evaluation import label_pairs


def test_by_hand():
    targets = np.int8([[1, 1], [1, 0], [1, 0], [0, 0], [1, -1]])
    predicted = np.array([[1, 1], [1, 1], [0, 0], [1, 1], [1, 1]], bool)
    pairs = label_pairs(predicted, targets)
    np.testing.assert_array_equal(pairs.together, [[4, 1], [1, 1]])
    assert pairs.absent[0, 1] == 2 and pairs.absent[1, 0] == 0  # the difficult one counts in none
    assert pairs.falsely[0, 1] == 1 and pairs.falsely[1, 0] == 0
    np.testing.assert_allclose(pairs.base, [1, 2 / 3])
    assert pairs.cooccurrence[0, 1] == np.float32(1 / 3)
    assert np.isclose(pairs.expected[0, 1], 4 / 3)
