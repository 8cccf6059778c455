"""ML-GCN's graph against the published function (tests/data/peers/head_mlgcn_adjacency_small)."""

import json

import numpy as np
import pytest
import torch
from paths import DATA

from mlgcn.ops.cooccurrence_graph import label_graph, normalised

NAME = 'head_mlgcn_adjacency_small'
ROWS = json.loads((DATA / 'peers' / f'{NAME}.json').read_text())['rows']


def counts():
    arrays = np.load(DATA / 'peers' / f'{NAME}.npz')
    return arrays, torch.from_numpy(arrays['counts_nums']), torch.from_numpy(arrays['counts_adj'])


@pytest.mark.parametrize('row', ROWS, ids=lambda row: str(row['t']))
def test_equals_the_published_graph(row):
    arrays, images, together = counts()
    graph = label_graph(images, together, row['t'], row['p'])
    np.testing.assert_allclose(graph, arrays[row['array']], rtol=0, atol=1e-12)
    edges = (graph > 0) & ~torch.eye(len(graph), dtype=torch.bool)
    assert int(edges.sum()) == row['edges']
    found = normalised(graph)
    np.testing.assert_allclose(found.sum(), row['norm_sum'], rtol=1e-12)
    expected = arrays[row['array'].replace('A_', 'norm_')]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_the_diagonal_of_the_counts_is_not_read():
    _, images, together = counts()
    filled = together + torch.diag(images)
    assert torch.equal(label_graph(images, filled), label_graph(images, together))


def test_a_label_without_images_leaves_the_rest_as_it_was():
    _, images, together = counts()
    grown = torch.zeros(7, 7)
    grown[:6, :6] = together
    graph = label_graph(torch.cat([images, torch.zeros(1)]), grown)
    torch.testing.assert_close(graph[:6, :6], label_graph(images, together))
    assert graph[6].tolist() == graph[:, 6].tolist() == [0] * 6 + [1]
    assert normalised(graph).isfinite().all()
