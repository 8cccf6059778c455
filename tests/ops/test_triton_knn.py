"""The Triton kernel of group KNN against float64: on a GPU, or under Triton's interpreter.

Without a GPU they skip here, and test_triton_kernels.py runs them under the interpreter.
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

from mlgcn.ops import triton_knn  # noqa: E402
from mlgcn.ops.knn import group_knn_plain  # noqa: E402
from mlgcn.ops.relative_pos import relative_position  # noqa: E402
from mlgcn.ops.triton_knn import nearest_in_triton  # noqa: E402

GAP = 1e-5  # float32 need not tell distances apart that are nearer than this


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(DEVICE)


def exact_distances(x, y, table=None):
    x, y = (torch.nn.functional.normalize(t.double(), dim=1) for t in (x, y))
    distance = (x.mT.unsqueeze(2) - y.mT.unsqueeze(1)).square().sum(-1)
    return distance if table is None else distance + table[: x.shape[2]].to(DEVICE)


def check(x, y, count, step=1, table=None):
    """The kernel's neighbours are those of float64, but for keys that are equally far."""
    found = nearest_in_triton(x, y, count, step, table)
    distance = exact_distances(x, y, table)
    nearest = distance.topk(min(count + 1, y.shape[2]), largest=False)
    expected = nearest.indices[..., :count:step]
    assert found.shape == expected.shape
    assert found.dtype == torch.int32
    torch.testing.assert_close(
        distance.gather(2, found.long()), distance.gather(2, expected), rtol=0, atol=GAP
    )
    clear = (nearest.values.diff() > GAP).all(-1)
    assert clear.float().mean() > 0.9  # else there is little left to be compared
    assert torch.equal(found[clear], expected[clear].int())


def test_more_keys_than_nodes_and_no_table():
    check(random(2, 20, 5), random(2, 20, 101, seed=1), 9)  # as labels and patches


@pytest.mark.parametrize('grid', [(2, 24), (12, 4)], ids=['wide', 'narrow'])
def test_separable_table(grid):
    table = relative_position(20, grid, size=(48, 37), device=DEVICE)
    check(random(2, 20, 48), random(2, 20, 37, seed=1), 15, 3, table)


@pytest.mark.parametrize('tile', range(4))
def test_every_tile(tile, monkeypatch):
    from mlgcn.ops import triton_kernels as kernels

    assert len(kernels.TILES) == 4
    monkeypatch.setattr(kernels.nearest_keys, 'configs', [kernels.TILES[tile]])
    table = relative_position(8, (10, 15), size=(150, 140), device=DEVICE)
    check(random(1, 8, 150), random(1, 8, 140, seed=1), 6, 2, table)


def test_whole_table():
    table = random(49, 35)
    check(random(1, 8, 49), random(1, 8, 35, seed=1), 27, 3, table)


@pytest.mark.parametrize('count', [1, 33, 70, 128])
def test_any_number_of_neighbours(count):
    check(random(1, 4, 3), random(1, 4, 130, seed=1), count)


def test_all_the_keys():
    check(random(1, 40, 40), random(1, 40, 10, seed=1), 10, 4)


def test_layouts_and_scales_make_no_difference():
    x, y = random(2, 8, 9), 1000 * random(2, 8, 11, seed=1)
    expected = nearest_in_triton(x, y, 4, 1, None)
    strided = [torch.stack([t, t], dim=3)[..., 0].mT.contiguous().mT for t in (5 * x, y)]
    assert torch.equal(nearest_in_triton(*strided, 4, 1, None), expected)


def test_equals_the_plain_form():
    x, y = random(2, 12, 6, 8), random(2, 12, 4, 5, seed=1)
    table = relative_position(12, (6, 8), size=(48, 20), device=DEVICE)
    expected = group_knn_plain(x.double(), y.double(), 3, 2, 3, table)
    found = nearest_in_triton(*(t.reshape(6, 4, -1) for t in (x, y)), 6, 2, table)
    assert torch.equal(found.view(2, 3, 48, 3), expected)


def test_ties_go_to_the_lower_index():
    node, other = torch.eye(2, device=DEVICE).unsqueeze(2)  # with these all arithmetic is exact
    y = torch.cat([other.repeat(1, 96), node.repeat(1, 32)], dim=1)
    nearest = list(range(96, 128)) + list(range(8))
    assert nearest_in_triton(node.unsqueeze(0), y.unsqueeze(0), 40, 1, None).tolist() == [[nearest]]


def test_runs_are_repeatable():
    x, y = random(1, 8, 40), random(1, 8, 20, seed=1).repeat(1, 1, 2)
    first = nearest_in_triton(x, y, 9, 1, None)
    assert torch.equal(nearest_in_triton(x, y, 9, 1, None), first)


@pytest.mark.filterwarnings('ignore:All-NaN')
def test_nan_gives_valid_indices_and_harms_no_other_node():
    x, y = random(1, 4, 6), random(1, 4, 40, seed=1)
    expected = nearest_in_triton(x, y, 5, 1, None)
    x[0, :, 2] = float('nan')
    found = nearest_in_triton(x, y, 5, 1, None)
    assert found[0, 2].tolist() == [0, 1, 2, 3, 4]
    others = [0, 1, 3, 4, 5]
    assert torch.equal(found[0, others], expected[0, others])


def test_the_self_test_finds_nothing_wrong():
    assert triton_knn._works(DEVICE)
