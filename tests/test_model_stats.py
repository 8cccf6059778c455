"""tools/model_stats.py: its numbers against sums by hand."""

import torch
from torch import nn

from mlgcn.cli import stats


class Products(nn.Module):
    """A convolution, a frozen linear layer and a product like that of the distances."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.linear = nn.Linear(8, 2, bias=False).requires_grad_(False)

    def forward(self, x):
        x = self.linear(self.conv(x)).flatten(2)  # (1, 4, 12)
        return torch.baddbmm(x.new_zeros(1, 1, 12), x.mT, x, alpha=-2)


def test_counts_by_hand():
    parameters, macs = stats.count(Products(), 6, 8)
    assert parameters == 4 * 3 * 9
    assert macs == 4 * 3 * 9 * 6 * 8 + 4 * 6 * 8 * 2 + 12 * 4 * 12
