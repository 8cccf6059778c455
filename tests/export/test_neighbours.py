"""Prescribed neighbours: the same answer with a model's own, and a measure of wrong ones."""

import copy

import pytest
import torch
from export.tiny_models import write_checkpoint
from fill import make_input

from mlgcn.apis import load_model
from mlgcn.export.neighbours import _excess, record_edges, replay, rows_that_differ
from mlgcn.ops import group_knn


@pytest.fixture(scope='module')
def exact(tmp_path_factory):
    loaded = load_model(None, write_checkpoint(tmp_path_factory.mktemp('export'), 'gkgnet'))
    return copy.deepcopy(loaded.model).double()


@torch.no_grad()
def test_own_neighbours_give_the_own_answer(exact):
    images = make_input('export', (2, 3, 64, 64))
    with record_edges(exact) as edges:
        expected = exact(images.double(), mode='tensor')
    assert len(edges) == 8  # four stages and four of the labels
    logits, excess = replay(exact, images, edges)
    assert excess < 1e-12
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-12)


@torch.no_grad()
def test_other_neighbours_are_used_and_measured(exact):
    images = make_input('export', (1, 3, 64, 64))
    with record_edges(exact) as edges:
        expected = exact(images.double(), mode='tensor')
    edges[0] = edges[0].clone()
    edges[0][0, 0, 5] = (edges[0][0, 0, 5] + 7) % 16
    logits, excess = replay(exact, images, edges)
    assert excess > 1e-3
    assert (logits - expected).abs().max() > 1e-6


def test_excess_by_hand():
    x = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])  # nodes (1, 2, 2): east, north
    y = torch.tensor([[[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]])  # keys: east, north, west
    index = torch.tensor([[[[0], [1]]]])
    assert _excess(x, y, index, 1, None) == 0
    index = torch.tensor([[[[1], [1]]]])  # east takes north: squared distance 2 instead of 0
    assert _excess(x, y, index, 1, None) == pytest.approx(2)
    table = torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.0, 0.0]])  # now east is at 3, north at 2
    assert _excess(x, y, index, 1, table) == pytest.approx(0)
    index = torch.tensor([[[[0], [1]]]])
    assert _excess(x, y, index, 1, table) == pytest.approx(1)


def test_excess_with_dilation_and_groups():
    x, y = torch.randn(2, 8, 30).double(), torch.randn(2, 8, 12).double()
    for dilation in (1, 2):
        index = group_knn(x, y, 3, dilation, groups=2)
        assert _excess(x, y, index, dilation, None) < 1e-12
    assert _excess(x, y, group_knn(x, y, 3, 1, groups=2), 2, None) > 1e-3


def test_rows_are_sets():
    one = torch.tensor([[[[1, 2], [3, 4]]]])
    assert rows_that_differ([one], [one.flip(-1)]) == 0
    assert rows_that_differ([one, one], [one, one + 1]) == 2
