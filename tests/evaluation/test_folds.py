"""Folds and draws that keep photographs of one occasion together."""

import numpy as np
import pytest

from mlgcn.evaluation.folds import (
    draw_groups,
    group_folds,
    numbered,
    share_of_groups,
    similar_groups,
)

GROUPS = numbered(np.random.default_rng(0).integers(40, size=300))


def one_value_per_group(groups, values):
    return all(len(set(values[groups == group].tolist())) == 1 for group in set(groups.tolist()))


def test_similar_photographs_are_one_group_also_by_a_chain():
    rng = np.random.default_rng(0)
    places = rng.normal(size=(40, 256))
    walk = places[0] + np.cumsum(rng.normal(size=(8, 256)) * 0.4, axis=0)
    assert np.corrcoef(walk[0], walk[-1])[0, 1] < 0.8 < np.corrcoef(walk[0], walk[1])[0, 1]
    groups = similar_groups(np.concatenate([walk, places[1:]]), 0.8)
    assert groups.tolist() == [0] * 8 + list(range(1, 40))


def test_a_group_is_in_one_fold_and_folds_are_of_one_size():
    for seed in range(3):
        fold = group_folds(GROUPS, 5, seed)
        assert one_value_per_group(GROUPS, fold)
        assert np.ptp(np.bincount(fold)) < np.bincount(GROUPS).max()
    assert (group_folds(GROUPS, 5, 0) != group_folds(GROUPS, 5, 1)).any()


def test_fewer_groups_than_folds_are_refused():
    with pytest.raises(ValueError, match='2 groups.*at least 3'):
        group_folds(np.array([0, 0, 1]), 3, 0)


def test_shares_are_whole_groups_inside_one_another():
    small, half = (set(share_of_groups(GROUPS, share, 7).tolist()) for share in (0.25, 0.5))
    assert small < half and 60 <= len(small) <= 95 and 135 <= len(half) <= 170
    assert one_value_per_group(GROUPS, np.isin(np.arange(300), list(small)))
    assert len(share_of_groups(GROUPS, 1.0, 7)) == 300


def test_draws_take_all_images_of_a_group():
    draws = draw_groups(GROUPS, 50)
    assert draws.shape == (300, 50) and all(one_value_per_group(GROUPS, d) for d in draws.T)
    assert abs(draws.mean() - 1) < 0.05
