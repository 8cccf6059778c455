"""Two-way, ZLPR and pairwise ranking against the published code."""

import pytest
import torch
from models.losses.published_losses import cases, check, check_extremes

from mlgcn.models.losses import PairwiseRankingLoss, TwoWayLoss, ZLPRLoss


@pytest.mark.parametrize('case', cases('two_way'))
def test_two_way(case):
    o = case['options']
    check(case, TwoWayLoss(o['Tp'], o['Tn'], o['mask']))
    if case['table'] != 'extreme':  # where -100 is as good as leaving out
        check(case, TwoWayLoss(o['Tp'], o['Tn']))


@pytest.mark.parametrize('case', cases('zlpr'))
def test_zlpr(case):
    check(case, ZLPRLoss())


@pytest.mark.parametrize('case', cases('pr'))
def test_pairwise_ranking(case):
    check(case, PairwiseRankingLoss())


def test_extremes():
    for module in (TwoWayLoss(), ZLPRLoss()):
        check_extremes(module)
    check_extremes(PairwiseRankingLoss(), signs=False)


@pytest.mark.parametrize('label', [0, 1, -1])
def test_batches_of_one_kind_of_label(label):
    for module in (TwoWayLoss(), ZLPRLoss()):
        logits = torch.randn(2, 3, requires_grad=True)
        loss = module(logits, torch.full((2, 3), label))
        loss.backward()
        assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()
