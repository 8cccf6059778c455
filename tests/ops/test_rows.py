"""1x1 convolutions as products of rows: values and gradients of torch's, in any memory layout."""

import pytest
import torch
import torch.nn.functional as F

from mlgcn.ops.rows import as_rows, interleaved, like_map, pointwise, runs_in_one_dnn


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


LAYOUTS = {
    'channels first': lambda x: x.contiguous(),
    'channels last': lambda x: as_rows(x).unflatten(1, x.shape[2:]).movedim(-1, 1),
    'strided': lambda x: torch.cat([x, x], -1)[..., : x.shape[-1]],
}


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize(
    ('shape', 'out', 'groups'),
    [
        ((2, 8, 5, 6), 12, 1),
        ((1, 8, 5, 6), 12, 4),
        ((3, 8, 7), 4, 1),
        ((2, 16, 7), 8, 4),
        ((1, 8, 1, 1), 8, 2),
        ((1, 300, 9, 1), 20, 1),
    ],
)
def test_a_pointwise_convolution_and_its_gradients(shape, out, groups, bias, layout):
    x = LAYOUTS[layout](random(*shape)).detach().requires_grad_()
    weight = random(out, shape[1] // groups, *[1] * (len(shape) - 2), seed=1).requires_grad_()
    arguments = [x, weight] + [random(out, seed=2).requires_grad_()] * bias
    assert runs_in_one_dnn(x, weight)
    ours = pointwise(x, weight, arguments[2] if bias else None, groups)
    convolution = F.conv1d if x.ndim == 3 else F.conv2d
    plain = convolution(x.double(), *(t.double() for t in arguments[1:]), groups=groups)
    torch.testing.assert_close(ours.double(), plain, rtol=0, atol=1e-4)
    assert as_rows(ours).data_ptr() == ours.data_ptr()  # already rows
    noise = random(*ours.shape, seed=3)
    found = torch.autograd.grad(ours, arguments, noise)
    expected = torch.autograd.grad(plain, arguments, noise.double())
    for gradient, other in zip(found, expected):
        torch.testing.assert_close(gradient, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('why', ['float64', 'autocast', 'traced', 'turned off'])
def test_other_products_are_convolutions_of_torch(why, monkeypatch):
    x, weight = random(1, 8, 3, 3), random(4, 8, 1, 1)
    if why == 'float64':
        x, weight = x.double(), weight.double()
    if why == 'turned off':
        monkeypatch.setenv('MLGCN_COMPILE', '0')
    if why == 'traced':
        graph = str(torch.jit.trace(lambda x: pointwise(x, weight, None), x).graph)
        assert 'convolution' in graph and 'mkldnn' not in graph
    with torch.autocast('cpu', torch.bfloat16, enabled=why == 'autocast'):
        assert why == 'traced' or not runs_in_one_dnn(x, weight)
        expected = F.conv2d(x, weight)
        torch.testing.assert_close(pointwise(x, weight, None), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize('dtype', ['float64', 'float32', 'bfloat16'])
def test_channels_are_interleaved(dtype):
    x, y = random(2, 4, 3, 5).to(getattr(torch, dtype)), random(2, 4, 3, 5, seed=1)
    mixed = interleaved(x, y.to(x.dtype))
    assert mixed.dtype == x.dtype
    assert torch.equal(mixed[:, 0::2], x)
    assert torch.equal(mixed[:, 1::2], y.to(x.dtype))


def test_rows_go_back_to_their_places():
    x = random(2, 4, 3, 5)
    assert torch.equal(like_map(as_rows(x), x.shape), x)
