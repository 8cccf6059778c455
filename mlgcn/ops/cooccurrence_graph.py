"""ML-GCN's graph of labels, from how often they occur together."""

import torch
from torch import Tensor


def label_graph(
    images: Tensor, together: Tensor, threshold: float = 0.4, share: float = 0.25
) -> Tensor:
    """ML-GCN's graph A (K, K) before normalisation, float64.

    Label i points to j where P(j | i) reaches `threshold`; what points to a label shares `share`
    among itself, and every label keeps 1 for itself (Chen et al., CVPR 2019, eq. 7 and 8: their
    p is share / (1 + share)).

    Args:
        images: (K,), training images with each label.
        together: (K, K), images with both labels; the diagonal is not read.

    Raises:
        ValueError: shapes that do not fit, or counts that contradict each other.
    """
    images, together = images.double(), together.double().clone()
    if together.shape != (len(images), len(images)):
        seen = tuple(together.shape)
        raise ValueError(f'counts of pairs have shape {seen} for {len(images)} labels')
    together.fill_diagonal_(0)
    if (together < 0).any() or (together > images[:, None]).any():
        i, j = ((together < 0) | (together > images[:, None])).nonzero()[0].tolist()
        seen = f'together in {together[i, j]:g} images, label {i} in {images[i]:g}'
        raise ValueError(f'labels {i} and {j} occur {seen}')
    # a label without images points nowhere (0 / 0 would spoil the whole graph)
    implied = together / images.clamp(min=1)[:, None] >= threshold
    implied &= images[:, None] > 0
    edges = implied.double()
    edges = edges * share / (edges.sum(dim=0, keepdim=True) + 1e-6)
    return edges + torch.eye(len(images), dtype=torch.float64)


def normalised(graph: Tensor) -> Tensor:
    """D A^T D of a graph A (K, K), with D = (row sums of A)^-1/2.

    Row i of the result weighs what label i gathers: from the labels that imply it.
    """
    scale = graph.sum(dim=1).rsqrt()
    return scale[:, None] * graph.T * scale
