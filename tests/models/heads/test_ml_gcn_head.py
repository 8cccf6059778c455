"""ML-GCN against the published head (tests/data/peers/head_mlgcn_k*)."""

import numpy as np
import pytest
import torch
from peer_cases import Case, names

from mlgcn.models.heads import MLGCNHead


def build(case):
    return dict(
        type='mlgcn.MLGCNHead',
        num_classes=case.options['num_classes'],
        in_channels=case.shape[1],
        hidden=case.options['hidden'],
        embed_channels=case.options['in_channel'],
        threshold=case.options['t'],
    )


def case_of(name):
    case = Case(name, build)
    case.head.embeddings.copy_(case.vectors)
    return case


def tiny(num_classes=4, **kwargs):
    return MLGCNHead(num_classes, in_channels=8, hidden=6, embed_channels=5, **kwargs)


def write_counts(path, nums, adj):
    np.savez(path, nums=np.array(nums), adj=np.array(adj))
    return str(path)


@pytest.mark.parametrize('name', names('mlgcn'))
def test_equals_the_published_head(name, tmp_path):
    case_of(name).check_eval()
    case_of(name).check_train()
    case = case_of(name)
    counts = [case.arrays[key] for key in ('counts_nums', 'counts_adj')]
    path = write_counts(tmp_path / 'counts.npz', *counts)
    np.save(tmp_path / 'words.npy', case.vectors.numpy())
    options = {**build(case), 'embeddings': str(tmp_path / 'words.npy'), 'graph': path}
    del options['type'], options['embed_channels']
    head = MLGCNHead(**options)
    np.testing.assert_allclose(head.graph, case.arrays['A'], rtol=0, atol=1e-7)
    assert torch.equal(head.embeddings, case.vectors)
    adjacency = case.head.explain((case.input,))['adjacency']
    np.testing.assert_allclose(adjacency[0].T, case.arrays['adj_normalized'], rtol=0, atol=1e-9)


def test_classifiers_are_computed_once_in_evaluation(monkeypatch):
    head = tiny().eval()
    calls = []
    plain = head.classifiers
    monkeypatch.setattr(head, 'classifiers', lambda: calls.append(1) or plain())
    with torch.no_grad():
        for _ in range(3):
            head((torch.randn(1, 8, 2, 2),))
        head.gc1.weight.mul_(2)
        head((torch.randn(1, 8, 2, 2),))
    assert len(calls) == 2


def test_graph_and_embeddings_are_in_the_weights():
    assert {'graph', 'embeddings'} <= set(tiny().state_dict())


@pytest.mark.parametrize(
    ('nums', 'adj', 'words'),
    [
        ([3, 2], [[0, 1], [1, 0]], '2 classes, the head has 4'),
        ([3, 2, 1, 1], [[0, 9, 0, 0]] + [[0] * 4] * 3, '9 images, label 0 in 3'),
        ([3, 2, 1, 1], [[0, 1], [1, 0]], r'shapes are \(4,\) and \(2, 2\)'),
    ],
)
def test_wrong_counts_are_named(tmp_path, nums, adj, words):
    with pytest.raises(ValueError, match=words):
        tiny(graph=write_counts(tmp_path / 'c.npz', nums, adj))


def test_wrong_embeddings_are_named(tmp_path):
    np.save(tmp_path / 'v.npy', np.zeros((3, 5), np.float32))
    with pytest.raises(ValueError, match=r'shape \(4, C\).*\(3, 5\)'):
        MLGCNHead(4, in_channels=8, embeddings=str(tmp_path / 'v.npy'))
