"""BinaryCrossEntropy by hand; the published losses are compared in test_gkg_head.py."""

import math

import pytest
import torch

from mlgcn.models.losses import BinaryCrossEntropy


def test_smoothed_labels_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0)]], dtype=torch.float64)  # p = 1/2, 3/4
    loss = BinaryCrossEntropy(label_smoothing=0.1, loss_weight=2.0)
    value = loss(logits, torch.tensor([[1, 0]]), reduction_override='none')
    expected = [2 * math.log(2), -2 * (0.1 * math.log(0.75) + 0.9 * math.log(0.25))]
    assert value.tolist() == [pytest.approx(expected)]
    assert loss(logits, torch.tensor([[1, 0]])).item() == pytest.approx(sum(expected) / 2)


@pytest.mark.parametrize('smoothing', [-0.1, 0.5])
def test_a_smoothing_that_would_swap_labels(smoothing):
    with pytest.raises(ValueError, match=str(smoothing)):
        BinaryCrossEntropy(label_smoothing=smoothing)
