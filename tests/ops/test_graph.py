"""Max-relative aggregation: by hand, and fast form against plain form with gradients."""

import pytest
import torch

from mlgcn.ops.graph import gather_keys, max_relative, max_relative_plain
from mlgcn.ops.knn import group_knn

# one image, two groups of one channel, two nodes, three keys, two neighbours
X = torch.tensor([[[1.0, 2.0], [0.0, 5.0]]])
Y = torch.tensor([[[10.0, 20.0, 30.0], [3.0, 1.0, 2.0]]])
INDEX = torch.tensor([[[[0, 1], [1, 2]], [[1, 2], [0, 0]]]], dtype=torch.int32)


def test_gather_by_hand():
    expected = [[[[10, 20], [20, 30]], [[1, 2], [3, 3]]]]
    assert gather_keys(Y, INDEX).tolist() == expected


@pytest.mark.parametrize('function', [max_relative, max_relative_plain])
def test_max_relative_by_hand(function):
    assert function(X, Y, INDEX).tolist() == [[[19, 28], [2, -2]]]


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize('groups', [1, 3])
def test_fast_form_equals_plain_form_bit_for_bit(dtype, groups):
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(2, 12, 5, n, generator=generator).to(dtype) for n in (8, 4))
    y[..., 2] = y[..., 1]  # ties: the first neighbour takes the gradient
    index = group_knn(x, y, 6, groups=groups)
    weight = torch.randn(x.shape, generator=generator).to(dtype)
    results = []
    for function in (max_relative, max_relative_plain):
        inputs = [t.clone().requires_grad_() for t in (x, y)]
        out = function(*inputs, index)
        (out * weight).sum().backward()
        results.append((out, *(t.grad for t in inputs)))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    tolerance = dict(rtol=0, atol=0.1) if dtype == torch.bfloat16 else {}  # order of summation
    torch.testing.assert_close(results[0][2], results[1][2], **tolerance)


def test_gradient_by_finite_differences():
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(2, 4, n, generator=generator, dtype=torch.float64) for n in (7, 5))
    index = group_knn(x, y, 3, groups=2)
    inputs = x.requires_grad_(), y.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: max_relative(a, b, index), inputs)
    assert torch.autograd.gradcheck(lambda a: max_relative(a, a, index.clamp(max=4)), inputs[:1])
