"""One grapher against the published one (tests/data/grapher.*), label blocks, stages."""

import json
import math

import numpy as np
import pytest
import torch
from fill import fill_, stream
from mmengine.model import convert_sync_batchnorm, revert_sync_batchnorm
from paths import DATA
from torch import nn

from mlgcn.models.layers.grapher import GraphBlock, Grapher, GraphStage, graph_operators
from mlgcn.ops import group_knn, group_knn_plain, max_relative_plain
from mlgcn.ops.relative_pos import relative_position

CASES = json.loads((DATA / 'grapher.json').read_text())


@pytest.fixture(params=CASES, ids=lambda case: case['name'])
def case(request):
    """The published arrays, our grapher with its weights, its input and table of positions."""
    case, kwargs = request.param, request.param['kwargs']
    channels, reduction = kwargs['in_channels'], kwargs['r']
    grapher = Grapher(
        channels,
        k=kwargs['kernel_size'],
        dilation=kwargs['dilation'],
        reduction=reduction,
        num_groups=kwargs['num_group'] if kwargs['use_multi_group'] else 1,
    )
    published = ('graph_conv.', 'graph_conv.gconv.nn.')
    fill_(grapher, case['salt'], rename=lambda key: key.replace(*published))
    height, width = case['input_hw']
    noise = stream(f'input:{case["name"]}', case['salt'])
    x = noise.standard_normal((case['batch'], channels, height, width)).astype(np.float32)
    side = math.isqrt(kwargs['n'])
    size = height * width, (height // reduction) * (width // reduction)
    table = relative_position(channels, (side, side), reduction, kwargs['n'], size)
    arrays = np.load(DATA / 'grapher.npz')
    name = case['name']
    expected = {k[len(name) + 1 :]: arrays[k] for k in arrays if k.startswith(f'{name}_')}
    return expected, grapher.double(), torch.from_numpy(x).double(), table


def test_grapher_equals_the_published_one(case):
    expected, grapher, x, table = case
    with torch.no_grad():
        out, edges = grapher.eval()(x, relative_pos=table)
    np.testing.assert_allclose(out, expected['eval'], rtol=0, atol=1e-9)
    chosen = edges.flatten(0, 1).sort(-1).values
    np.testing.assert_array_equal(chosen, expected['neighbours_sorted'])


def test_training_mode_and_gradient_equal_the_published_ones(case):
    expected, grapher, x, table = case
    x.requires_grad_()
    out, _ = grapher.train()(x, relative_pos=table)
    np.testing.assert_allclose(out.detach(), expected['train_mode'], rtol=0, atol=1e-9)
    out.square().mean().backward()
    np.testing.assert_allclose(x.grad, expected['input_grad_of_mean_square'], rtol=0, atol=1e-9)
    assert all(p.grad is not None for p in grapher.parameters())


def test_label_block_gradients_by_finite_differences():
    """Fails where the labels' norms are BatchNorm2d on (B, C, K, 1): a bug of torch on CPUs."""
    torch.manual_seed(0)
    block = GraphBlock(4, k=3, num_groups=2, dim=1).double().train()
    labels = torch.randn(2, 5, 4, dtype=torch.float64)  # (B, K, C), as the neck holds them
    patches = torch.randn(2, 4, 3, 3, dtype=torch.float64)
    weight = torch.randn(2, 5, 4, dtype=torch.float64)

    def loss():
        out, _ = block(labels.transpose(1, 2), patches)
        return (out.transpose(1, 2) * weight).sum()

    loss().backward()
    step = 1e-6
    for name, parameter in block.named_parameters():
        flat, grad = parameter.data.view(-1), parameter.grad.view(-1)
        for i in range(0, len(flat), 7):
            values = []
            for sign in (1, -2, 1):
                flat[i] += sign * step
                values.append(loss().item())
            slope = (values[0] - values[1]) / (2 * step)
            assert grad[i].item() == pytest.approx(slope, rel=1e-5, abs=1e-6), (name, i)


def test_label_blocks_have_one_dimensional_norms():
    norms = [m for m in GraphBlock(4, dim=1).modules() if 'BatchNorm' in type(m).__name__]
    assert norms
    assert all(type(norm) is nn.BatchNorm1d for norm in norms)


def test_sync_bn_converts_every_norm():
    for dim in (1, 2):
        block = convert_sync_batchnorm(GraphBlock(4, dim=dim), 'torch')
        norms = [m for m in block.modules() if 'BatchNorm' in type(m).__name__]
        assert len(norms) == 5
        assert all(type(norm) is nn.SyncBatchNorm for norm in norms)
        shape = (2, 4, 9) if dim == 1 else (2, 4, 3, 3)
        revert_sync_batchnorm(block).eval()(torch.randn(shape), torch.randn(2, 4, 4, 4))


def test_operators_are_arguments_of_a_grapher_and_of_a_whole_model():
    x, calls = torch.randn(1, 8, 4, 4), []

    def search(*args):
        calls.append(args[2:5])
        return group_knn_plain(*args)

    blocks = nn.Sequential(GraphBlock(8, k=3), GraphBlock(8, k=2, dilation=2, num_groups=4))
    graphers = [block.grapher for block in blocks]
    with graph_operators(blocks, search=search):
        for grapher in graphers:
            grapher(x)
    assert calls == [(3, 1, 1), (2, 2, 4)]
    assert all(grapher.search is group_knn for grapher in graphers)
    own = Grapher(8, k=3, search=search, aggregate=max_relative_plain)
    own.load_state_dict(graphers[0].state_dict())
    torch.testing.assert_close(own(x), graphers[0](x))
    assert len(calls) == 3


BLOCK = dict(channels=8, k=2, reduction=2, num_groups=2)


def test_shapes_of_maps_keys_and_tables():
    stage = GraphStage(nn.AvgPool2d(2), [BLOCK, BLOCK], grid=(6, 5), num_nodes=30).eval()
    with torch.no_grad():
        assert stage(torch.randn(1, 8, 14, 10)).shape == (1, 8, 7, 5)
    assert stage.num_keys((7, 5)) == 3 * 2
    assert stage.relative_position(35, 6, torch.device('cpu')).shape == (35, 6)


def test_a_table_is_made_once_for_a_size():
    stage = GraphStage(nn.Identity(), [BLOCK], grid=(6, 4), num_nodes=24)
    cpu = torch.device('cpu')
    first = stage.relative_position(24, 6, cpu)
    assert stage.relative_position(24, 6, cpu) is first
    assert stage.relative_position(35, 6, cpu) is not first
