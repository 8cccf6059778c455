"""Distribution-balanced loss against the published code."""

import pytest
import torch
from models.losses.published_losses import cases, check, check_extremes

from mlgcn.models.losses import DistributionBalancedLoss


@pytest.mark.parametrize('case', cases('db'))
def test_equals_the_published_loss(case):
    o = case['options']
    numbers = [o[name] for name in ('alpha', 'beta', 'mu', 'neg_scale', 'init_bias')]
    module = DistributionBalancedLoss(
        o['class_freq'], o['num_samples'], *numbers, focal=o['focal'], reweight=o['reweight']
    )
    check(case, module)


def test_extremes_and_classes_with_no_or_all_positives():
    check_extremes(DistributionBalancedLoss([0, 100, 5, 5, 5, 5], 100))


def test_unknown_labels_cost_nothing():
    logits = torch.randn(2, 3, requires_grad=True)
    module = DistributionBalancedLoss([3, 4, 5], 20)
    module(logits, torch.tensor([[1, 0, -1]] * 2)).backward()
    assert (logits.grad[:, 2] == 0).all() and (logits.grad[:, :2] != 0).all()
