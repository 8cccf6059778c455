"""The graph that ADD-GCN drew among the labels of one image, and what its edges did."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from mlgcn.models.heads import ADDGCNHead
from mlgcn.models.layers.dynamic_gcn import DynamicGCN


class LabelEdges(NamedTuple):
    """Of n labels; the matrices are read from row to column.

    Attributes:
        attention: (n, H, W) in (0, 1): how much of each place a label's node gathers.
        dynamic: (n, n) in (0, 1): ``dynamic[i, j]`` weighs what label j receives from label i.
        static: (n, n), any sign: the learned weights that are the same for every image.
        effects: (n, n): see :func:`edge_effects`.
    """

    attention: Tensor
    dynamic: Tensor
    static: Tensor
    effects: Tensor


@torch.no_grad()
def label_edges(head: ADDGCNHead, feats: Sequence[Tensor], labels: Sequence[int]) -> LabelEdges:
    """What the head did with one image's stage maps, the last (1, C, H, W), for n `labels`."""
    labels = list(labels)
    explained = head.explain(feats)
    static = head.gcn.static_adj.weight[:, :, 0].T  # the layer's row is the receiver
    return LabelEdges(
        attention=explained['attention'][0, labels],
        dynamic=explained['adjacency'][0][labels][:, labels],
        static=static[labels][:, labels],
        effects=edge_effects(head, feats, labels),
    )


@torch.no_grad()
def edge_effects(head: ADDGCNHead, feats: Sequence[Tensor], labels: Sequence[int]) -> Tensor:
    """Edge ablation: changes of logits (n, n) when one label after the other loses its edges.

    Label i's edges are row i and column i of the dynamic adjacency, without the diagonal (what a
    label keeps of itself); they are set to 0 and the head runs again. The static graph, and the
    other entries of the dynamic one, stay as they are. Entry (i, j) is the new logit of label j
    less the old one: off the diagonal the effect of the single edge from i to j, since nothing
    else that j receives has changed; on it that of everything that i receives from any label.
    """
    labels = list(labels)
    before = head(feats)[0, labels]
    rows = []
    for label in labels:
        with without_edges(head.gcn, label):
            rows.append(head(feats)[0, labels] - before)
    return torch.stack(rows)


@contextmanager
def without_edges(gcn: DynamicGCN, label: int) -> Iterator[None]:
    """Inside, `label` neither sends to other labels nor receives from them dynamically."""
    whole = gcn.adjacency

    def cut(nodes: Tensor) -> Tensor:
        keep = torch.ones_like(adjacency := whole(nodes))
        keep[:, label, :] = keep[:, :, label] = 0
        keep[:, label, label] = 1
        return adjacency * keep

    gcn.adjacency = cut
    try:
        yield
    finally:
        del gcn.adjacency  # the method is seen again
