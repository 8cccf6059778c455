"""BatchNorm, GELU and a 1x1 convolution in one pass, against torch's three in float64."""

import copy

import pytest
import torch
import torch.nn.functional as F
from instruction_sets import SETS, needs_kernels, random, use
from torch import nn

from mlgcn.ops.norm_gelu import norm_gelu_pointwise, runs_in_one_pass


@pytest.fixture(params=SETS)
def instructions(request, monkeypatch):
    use(request.param, monkeypatch, 'norm_gelu', 'norm_backward')


def norm_of(channels, dim, training):
    norm = (nn.BatchNorm1d if dim == 1 else nn.BatchNorm2d)(channels)
    with torch.no_grad():
        norm.weight.copy_(random(channels, seed=5) + 1)
        norm.bias.copy_(random(channels, seed=6))
        norm.running_mean.copy_(random(channels, seed=7))
        norm.running_var.copy_(random(channels, seed=8).square() + 0.5)
    return norm.train(training)


@needs_kernels
@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('shape', [(2, 21, 9, 15), (1, 8, 1, 3), (3, 16, 67)])
def test_value_gradients_and_statistics(instructions, shape, training):
    norm = norm_of(shape[1], len(shape) - 2, training)
    reference = copy.deepcopy(norm).double()
    x = (3 * random(*shape) + 1).requires_grad_()
    weight = random(6, shape[1], *[1] * (len(shape) - 2), seed=1).requires_grad_()
    bias = random(6, seed=2).requires_grad_()
    assert runs_in_one_pass(x, norm, weight)
    ours = norm_gelu_pointwise(x, norm, weight, bias)
    hidden = F.gelu(reference(x.double()))
    convolution = F.conv1d if x.ndim == 3 else F.conv2d
    plain = convolution(hidden, weight.double(), bias.double())
    torch.testing.assert_close(ours.double(), plain, rtol=1e-5, atol=1e-5)
    noise = random(*ours.shape, seed=3)
    found = torch.autograd.grad(ours, [x, weight, bias, norm.weight, norm.bias], noise)
    inputs = [x, weight, bias, reference.weight, reference.bias]
    expected = torch.autograd.grad(plain, inputs, noise.double())
    for gradient, other in zip(found, expected):
        torch.testing.assert_close(gradient.double(), other.double(), rtol=1e-4, atol=1e-4)
    for buffer, other in zip(norm.buffers(), reference.buffers()):
        torch.testing.assert_close(buffer.double(), other.double(), rtol=1e-6, atol=1e-6)


@needs_kernels
def test_gelu_is_that_of_float64_far_from_zero_too(instructions):
    norm = nn.BatchNorm1d(1).eval()
    norm.eps = 0.0
    x = torch.linspace(-12, 12, 100_001)[None, None]
    one = torch.ones(1, 1, 1)
    ours = norm_gelu_pointwise(x, norm, one, torch.zeros(1))
    x = x.double()
    exact = x * torch.special.erfc(-x * 0.5**0.5) / 2  # F.gelu loses digits below zero
    torch.testing.assert_close(ours.double(), exact, rtol=3e-5, atol=1e-37)


@needs_kernels
def test_numbers_that_are_none_stay_none(instructions):
    x = random(1, 2, 40)
    x[0, 0, 3], x[0, 1, 5] = float('nan'), float('inf')
    norm = nn.BatchNorm1d(2).eval()
    out = norm_gelu_pointwise(x, norm, torch.eye(2)[..., None], torch.zeros(2))
    assert (~out.isfinite()).any(1)[0].nonzero().flatten().tolist() == [3, 5]


def test_unusual_norms_go_to_pytorch():
    x, weight = random(2, 4, 3, 3), random(4, 4, 1, 1)
    for norm in (
        nn.SyncBatchNorm(4),
        nn.BatchNorm2d(4, momentum=None),
        nn.BatchNorm2d(4, affine=False),
        nn.BatchNorm2d(4, track_running_stats=False),
        nn.BatchNorm2d(4).double(),
        nn.Identity(),
    ):
        assert not runs_in_one_pass(x, norm, weight)
    assert not runs_in_one_pass(x[:1, :, :1, :1], nn.BatchNorm2d(4), weight)
