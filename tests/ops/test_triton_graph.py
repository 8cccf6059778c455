"""The Triton kernels of max-relative aggregation against the plain form.

Without a GPU they skip here, and test_triton_support.py runs them under the interpreter.
"""

import os

import pytest
import torch

pytest.importorskip('triton')
INTERPRETED = os.environ.get('TRITON_INTERPRET') == '1'
DEVICE = 'cpu' if INTERPRETED else 'cuda'
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not INTERPRETED and not torch.cuda.is_available(), reason='no GPU'),
]

from mlgcn.ops import triton_graph  # noqa: E402
from mlgcn.ops.graph import max_relative_plain  # noqa: E402
from mlgcn.ops.triton_graph import max_relative_in_triton  # noqa: E402


def whole_numbers(*shape, seed=0, dtype=torch.float32):
    """Small ones, so that there are ties, and sums are exact in any order."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-8, 9, shape, generator=generator).to(DEVICE, dtype)


def neighbours(batch, groups, num_nodes, num_keys, k):
    generator = torch.Generator().manual_seed(3)
    shape = batch, groups, num_nodes, k
    return torch.randint(num_keys, shape, generator=generator, dtype=torch.int32).to(DEVICE)


def outcome(function, x, y, index, weight):
    x, y = x.detach().requires_grad_(), y.detach().requires_grad_()
    out = function(x, y, index)
    return out, *torch.autograd.grad((out * weight).sum(), (x, y))


def check(x, y, index):
    weight = torch.empty_like(x).copy_(whole_numbers(*x.shape, seed=2))  # laid out like x
    results = outcome(max_relative_in_triton, x, y, index, weight)
    for got, expected in zip(results, outcome(max_relative_plain, x, y, index, weight)):
        assert got.dtype == expected.dtype
        assert torch.equal(got, expected)
    return results[0]


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
def test_equals_the_plain_form_bit_for_bit(dtype):
    x, y = whole_numbers(2, 12, 5, 8, dtype=dtype), whole_numbers(2, 12, 4, 4, seed=1, dtype=dtype)
    check(x, y, neighbours(2, 3, 40, 16, 5))


def test_nodes_and_channels_beyond_a_block():
    x, y = whole_numbers(1, 70, 70), whole_numbers(1, 70, 9, seed=1)
    check(x, y, neighbours(1, 2, 70, 9, 3))


# the interpreter cuts numbers down to bfloat16 instead of rounding them
@pytest.mark.parametrize('dtype', [torch.float16] + [torch.bfloat16] * (not INTERPRETED))
def test_rounding_is_that_of_the_plain_form(dtype):
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(1, 8, n, generator=generator).to(DEVICE, dtype) for n in (20, 11))
    index = neighbours(1, 2, 20, 11, 4)
    assert torch.equal(max_relative_in_triton(x, y, index), max_relative_plain(x, y, index))


def test_one_neighbour():
    check(whole_numbers(1, 4, 6), whole_numbers(1, 4, 7, seed=1), neighbours(1, 1, 6, 7, 1))


def test_half_precision_nodes_and_float32_keys():
    x, y = whole_numbers(1, 4, 6, dtype=torch.float16), whole_numbers(1, 4, 7, seed=1)
    assert check(x, y, neighbours(1, 1, 6, 7, 3)).dtype == torch.float32


def test_keeps_channels_last():
    x, y = (whole_numbers(2, 12, 5, 8, seed=s) for s in (0, 1))
    x = x.to(memory_format=torch.channels_last)
    out = check(x, y, neighbours(2, 2, 40, 40, 3))
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_strided_nodes():
    x = whole_numbers(2, 1, 12).expand(-1, 4, -1)
    check(x, whole_numbers(2, 4, 5, seed=1), neighbours(2, 2, 12, 5, 3))


def test_nodes_that_are_their_own_keys():
    x, index = whole_numbers(1, 4, 9), neighbours(1, 2, 9, 9, 3)
    gradients = []
    for function in (max_relative_in_triton, max_relative_plain):
        leaf = x.clone().requires_grad_()
        gradients.append(torch.autograd.grad(function(leaf, leaf, index).square().sum(), leaf)[0])
    assert torch.equal(*gradients)


def test_nan_comes_through():
    x, y = whole_numbers(1, 4, 6), whole_numbers(1, 4, 7, seed=1)
    y[0, 1, 3] = float('nan')
    index = neighbours(1, 1, 6, 7, 4)
    out, expected = max_relative_in_triton(x, y, index), max_relative_plain(x, y, index)
    assert expected.isnan().any()
    torch.testing.assert_close(out, expected, rtol=0, atol=0, equal_nan=True)


def test_deterministic_algorithms_are_honoured(monkeypatch):
    args = whole_numbers(2, 12, 9), whole_numbers(2, 12, 7, seed=1), neighbours(2, 3, 9, 7, 4)
    launched = []
    launch = triton_graph._launch

    def counting(kernel, *rest):
        launched.append(kernel)
        launch(kernel, *rest)

    monkeypatch.setattr(triton_graph, '_launch', counting)
    check(*args)
    assert len(launched) == 2
    torch.use_deterministic_algorithms(True)
    try:
        check(*args)
    finally:
        torch.use_deterministic_algorithms(False)
    assert len(launched) == 3  # no atomic additions


def test_winners_are_kept_for_the_backward_pass_only():
    x, y = whole_numbers(1, 4, 6), whole_numbers(1, 4, 7, seed=1).mT.contiguous()
    index = neighbours(1, 1, 6, 7, 4)
    assert triton_graph._max_relative(x, y, index, False)[1].numel() == 0
    assert triton_graph._max_relative(x, y, index, True)[1].shape == (1, 6, 4)


def test_operators_are_well_formed():
    x, y = whole_numbers(1, 4, 6).requires_grad_(), whole_numbers(1, 7, 4, seed=1).requires_grad_()
    index = neighbours(1, 1, 6, 7, 4)
    torch.library.opcheck(triton_graph._max_relative, (x, y, index, True))
    winner = torch.zeros(1, 6, 4, dtype=torch.uint8, device=DEVICE)
    torch.library.opcheck(triton_graph._add_to_winners, (x.detach(), index, winner, 7))


def test_compiles_with_torch_compile():
    x, y, index = whole_numbers(1, 4, 6), whole_numbers(1, 4, 7, seed=1), neighbours(1, 1, 6, 7, 3)
    weight = whole_numbers(1, 4, 6, seed=2)
    expected = outcome(max_relative_in_triton, x, y, index, weight)
    compiled = torch.compile(max_relative_in_triton, backend='aot_eager', fullgraph=True)
    for got, right in zip(outcome(compiled, x, y, index, weight), expected):
        assert torch.equal(got, right)
