"""Winograd's 3x3 convolution against the direct sum."""

import pytest
import torch
import torch.nn.functional as F

from mlgcn.ops.winograd import transformed_filters, winograd


@pytest.mark.parametrize('shape', [(1, 1, 2, 2), (2, 5, 6, 10), (3, 4, 2, 8)])
@pytest.mark.parametrize('channels_last', [False, True])
def test_it_is_the_convolution(shape, channels_last):
    x, weight = torch.randn(shape).double(), torch.randn(7, shape[1], 3, 3).double()
    bias = torch.randn(7).double()
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    out = winograd(x, transformed_filters(weight), bias)
    torch.testing.assert_close(out, F.conv2d(x, weight, bias, padding=1), rtol=0, atol=1e-12)


def test_float32_rounds_like_the_direct_sum():
    x, weight, bias = torch.randn(2, 256, 14, 14), torch.randn(256, 256, 3, 3), torch.randn(256)
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    out = winograd(x, transformed_filters(weight), bias)
    assert (out - exact).abs().max() < 1e-5 * exact.abs().max()
