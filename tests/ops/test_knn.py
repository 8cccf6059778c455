"""Group KNN: by hand, fast form against plain form, precision."""

import pytest
import torch

from mlgcn.ops import knn
from mlgcn.ops.knn import group_knn, group_knn_plain, pairwise_distances
from mlgcn.ops.relative_pos import relative_position


def random(*shape, dtype=torch.float64, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.fixture(params=[group_knn, group_knn_plain])
def search(request):
    return request.param


def angles(*degrees):
    """Unit vectors of the plane (1, 2, N): the nearer the angles, the nearer the vectors."""
    radians = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    return torch.stack([radians.cos(), radians.sin()]).unsqueeze(0)


def test_pairwise_distances_by_hand():
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    y = torch.tensor([[3.0, 0.0]])
    assert pairwise_distances(x, y).tolist() == [[9.0], [16.0]]


def test_neighbours_by_hand(search):
    nodes, keys = angles(0, 100), 7 * angles(10, 200, 30, 80)  # lengths make no difference
    assert search(nodes, keys, k=2).tolist() == [[[[0, 2], [3, 2]]]]


def test_dilation_takes_every_second_of_the_nearest(search):
    nodes, keys = angles(0), angles(30, 10, 40, 20)
    assert search(nodes, keys, k=2, dilation=2).tolist() == [[[[1, 0]]]]


def test_every_group_finds_its_own_neighbours(search):
    nodes = torch.cat([angles(0), angles(90)], dim=1)
    keys = torch.cat([angles(0, 90), angles(0, 90)], dim=1)
    assert search(nodes, keys, k=1, groups=2).tolist() == [[[[0]], [[1]]]]


def test_relative_position_is_added(search):
    nodes, keys = angles(0), angles(10, 20)
    far = torch.tensor([[1.0, 0.0]])
    assert search(nodes, keys, k=1, relative_pos=far).tolist() == [[[[1]]]]


@pytest.mark.parametrize('chunk', [1, 100, 1000, 10**6])
def test_fast_form_equals_plain_form_whatever_the_chunk(chunk, monkeypatch):
    monkeypatch.setattr(knn, 'CPU_CHUNK', chunk)
    nodes, keys = random(2, 12, 6, 8), random(2, 12, 4, 5, seed=1)
    table = relative_position(12, (6, 8), size=(48, 20))
    args = nodes, keys, 3, 2, 3, table
    fast = group_knn(*args)
    assert fast.shape == (2, 3, 48, 3)
    assert fast.dtype == torch.int32
    assert torch.equal(fast, group_knn_plain(*args))


def test_search_is_in_float32_under_autocast():
    nodes, keys = random(1, 16, 64, dtype=torch.float32), random(1, 16, 32, dtype=torch.float32)
    expected = group_knn(nodes, keys, 9, groups=2)
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(group_knn(nodes, keys, 9, groups=2), expected)
    half = group_knn(nodes.bfloat16(), keys.bfloat16(), 9, groups=2)
    assert torch.equal(half, group_knn(nodes.bfloat16().float(), keys.bfloat16().float(), 9, 1, 2))


def test_float32_ranks_at_least_as_well_as_the_published_arithmetic():
    nodes = 3 + random(4, 32, 400)  # near each other, as features after a few layers are
    table = relative_position(32, (20, 20))
    exact = group_knn_plain(nodes, nodes, 9, 1, 2, table)

    def wrong_rows(search):
        found = search(nodes.float(), nodes.float(), 9, 1, 2, table)
        return (found.sort(-1).values != exact.sort(-1).values).any(-1).sum().item()

    assert wrong_rows(group_knn) <= wrong_rows(group_knn_plain)
