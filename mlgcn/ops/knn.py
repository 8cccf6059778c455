"""Dilated group k-nearest-neighbour search: which keys each node listens to."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .relative_pos import SeparableTable

# Distances held at a time: on a CPU about as many as its L2 cache keeps, elsewhere 256 MiB.
CPU_CHUNK, CHUNK = 2**18, 2**26


def pairwise_distances(x: Tensor, y: Tensor) -> Tensor:
    """Squared Euclidean distances |x|^2 - 2 x.y + |y|^2.

    x (..., N, c) and y (..., M, c) give (..., N, M).
    """
    inner = -2 * x @ y.transpose(-1, -2)
    return x.square().sum(-1, keepdim=True) + inner + y.square().sum(-1, keepdim=True).mT


def split_groups(x: Tensor, groups: int) -> Tensor:
    """(B, C, ...) as (B, G, C / G, n): consecutive channels, all places flattened."""
    return x.flatten(2).unflatten(1, (groups, -1))


@torch.no_grad()
def group_knn_plain(
    x: Tensor,
    y: Tensor,
    k: int,
    dilation: int = 1,
    groups: int = 1,
    relative_pos: Tensor | SeparableTable | None = None,
) -> Tensor:
    """:func:`group_knn` with the whole (B, G, N, M) distance matrix: the reference, traceable."""
    x, y = (_normalised(t, groups).mT for t in (x, y))
    distance = pairwise_distances(x, y)
    if relative_pos is not None:
        distance = distance + relative_pos[: x.shape[2]]
    return distance.topk(k * dilation, largest=False).indices[..., ::dilation].int()


@torch.no_grad()
def group_knn(
    x: Tensor,
    y: Tensor,
    k: int,
    dilation: int = 1,
    groups: int = 1,
    relative_pos: Tensor | SeparableTable | None = None,
) -> Tensor:
    """For every node and channel group the indices of its neighbours among the keys.

    Distances are those of the group's L2-normalised channels plus `relative_pos`; of the
    k * dilation nearest keys every `dilation`-th is kept, nearest first (Yao et al., "GKGNet",
    ECCV 2024, section 3.2; dilation: Li et al., "DeepGCNs", ICCV 2019). No gradient flows. The
    search is always in float32 (float64 for float64 input), under autocast too: half precision
    has too few digits to rank the neighbours.

    Distances are made for some rows at a time, so that a CPU keeps them in its cache.

    Args:
        x: nodes (B, C, ...), N of them.
        y: keys (B, C, ...), M of them.
        k: neighbours of each node.
        dilation: step through the sorted neighbours.
        groups: G, a divisor of C.
        relative_pos: (N, M), added to the distances of every group.

    Returns:
        Indices into the keys (B, G, N, k), int32.

    Raises:
        ValueError: M < k * dilation.
    """
    if torch.compiler.is_compiling():
        return group_knn_plain(x, y, k, dilation, groups, relative_pos)
    x, y = (_normalised(t, groups).flatten(0, 1) for t in (x, y))  # (B * G, c, n)
    (pairs, _, num_nodes), num_keys = x.shape, y.shape[2]
    x_square, y_square = x.square().sum(1).unsqueeze(2), y.square().sum(1).unsqueeze(1)
    y = -2 * y  # a power of two: -2 x.y keeps its bits

    chunk = CPU_CHUNK if x.device.type == 'cpu' else CHUNK
    rows = min(max(chunk // num_keys, 1), num_nodes)
    pairs_at_once = min(max(chunk // (rows * num_keys), 1), pairs)
    index = torch.empty(pairs, num_nodes, k, dtype=torch.int32, device=x.device)
    for start in range(0, num_nodes, rows):
        part = slice(start, start + rows)
        offset = None if relative_pos is None else relative_pos[part]
        for first in range(0, pairs, pairs_at_once):
            some = slice(first, first + pairs_at_once)
            distance = torch.bmm(x[some, :, part].mT, y[some])
            distance.add_(x_square[some, part]).add_(y_square[some])
            if offset is not None:
                distance.add_(offset)
            nearest = distance.topk(k * dilation, largest=False).indices
            index[some, part] = nearest[..., ::dilation].int()
    return index.unflatten(0, (-1, groups))


def _normalised(x: Tensor, groups: int) -> Tensor:
    """(B, G, C / G, n) with unit length over each group's channels, in float32 at least."""
    x = x if x.dtype == torch.float64 else x.float()
    return F.normalize(split_groups(x, groups), dim=2)
