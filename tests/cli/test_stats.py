"""mlgcn stats: its numbers against sums by hand."""

import pytest
import torch
from torch import nn

from mlgcn.cli import stats


class Products(nn.Module):
    """Convolution, batch norm, a frozen linear layer, and a product like that of the distances."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.linear = nn.Linear(8, 2, bias=False).requires_grad_(False)

    def forward(self, x):
        x = self.linear(self.norm(self.conv(x))).flatten(2)  # (1, 4, 12)
        return torch.baddbmm(x.new_zeros(1, 1, 12), x.mT, x, alpha=-2)


def test_counts_by_hand():
    parameters, macs = stats.count(Products().eval(), 6, 8)
    assert parameters == 4 * 3 * 9 + 2 * 4
    norm = 2 * 4 * 6 * 8  # a scale and a shift for every value
    assert macs == 4 * 3 * 9 * 6 * 8 + norm + 4 * 6 * 8 * 2 + 12 * 4 * 12


@pytest.mark.parametrize('fused', [True, False])
def test_attention_counts_both_products(fused):
    class Attention(nn.Module):
        def forward(self, x):
            x = x.flatten(2).transpose(1, 2)[:, None]  # (1, 1, 48, 3)
            x = x.contiguous() if fused else x  # torch has a kernel of its own for this layout
            return nn.functional.scaled_dot_product_attention(x, x, x)

    assert stats.count(Attention(), 6, 8)[1] == 2 * 48 * 48 * 3
