"""Dilated group k-nearest-neighbour search."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .c_kernels import nearest_in_c, searches_in_c
from .checks import check_search, traced
from .relative_pos import Offset
from .triton_knn import nearest_in_triton, runs_in_triton

# Distances held at a time: about what the L2 cache of a CPU core keeps; elsewhere 256 MiB.
CPU_CHUNK, CHUNK = 2**18, 2**26


def pairwise_distances(x: Tensor, y: Tensor) -> Tensor:
    """Squared distances |x|^2 - 2 x.y + |y|^2: x (..., N, c), y (..., M, c) -> (..., N, M)."""
    inner = -2 * (x @ y.mT)
    return x.square().sum(-1, keepdim=True) + inner + y.square().sum(-1, keepdim=True).mT


def split_groups(x: Tensor, groups: int) -> Tensor:
    """(B, C, ...) as (B, G, C / G, n): consecutive channels, all places flattened."""
    return x.flatten(2).unflatten(1, (groups, -1))


@torch.no_grad()
def group_knn_plain(
    x: Tensor, y: Tensor, k: int, dilation: int = 1, groups: int = 1, relative_pos: Offset = None
) -> Tensor:
    """:func:`group_knn` step by step as published, with whole distance matrices: the reference."""
    check_search(x, y, k, dilation, groups, relative_pos)
    x, y = (F.normalize(split_groups(t, groups), dim=2).mT for t in (x, y))
    distance = pairwise_distances(x, y)
    if relative_pos is not None:
        distance = distance + relative_pos[: x.shape[2]]
    nearest = (-distance).topk(k * dilation).indices
    return nearest[..., ::dilation].int()


@torch.no_grad()
def group_knn(
    x: Tensor, y: Tensor, k: int, dilation: int = 1, groups: int = 1, relative_pos: Offset = None
) -> Tensor:
    """For every node and channel group, the indices of its neighbours among the keys.

    Distances are those between the group's L2-normalised channels, plus `relative_pos`. Of the
    k * dilation nearest keys every `dilation`-th is kept, nearest first (Yao et al., "GKGNet",
    ECCV 2024; dilation: Li et al., "DeepGCNs", ICCV 2019). No gradient flows.

    The search is in float32 (float64 for float64 input), under autocast too: half precision has
    too few digits to rank neighbours. Features are centred first, which leaves the distances as
    they are but makes their rounding errors smaller than those of the published code. It runs in
    C on a CPU and in Triton on a GPU where they are available (MLGCN_COMPILE=0 or
    `compiled_ops = False` in a config turns that off), else in PyTorch: the same neighbours.

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
        TypeError, ValueError: a wrong type, shape or device; fewer than k * dilation keys.
    """
    check_search(x, y, k, dilation, groups, relative_pos)
    with torch.autocast(x.device.type, enabled=False):
        x, y = (t if t.dtype == torch.float64 else t.float() for t in (x, y))
        if searches_in_c(x, y, k * dilation):
            nearest = nearest_in_c(x, y, groups, k * dilation, dilation, relative_pos)
        else:
            x, y = (split_groups(t, groups).flatten(0, 1) for t in (x, y))  # (B * G, c, n)
            search = nearest_in_triton if runs_in_triton(x, y, k * dilation) else _nearest
            nearest = search(x, y, k * dilation, dilation, relative_pos)
    return nearest.unflatten(0, (-1, groups))


def _nearest(x: Tensor, y: Tensor, count: int, step: int, offset: Offset) -> Tensor:
    """Every `step`-th of the `count` keys nearest to each node: (P, N, ceil(count / step)).

    x (P, c, N), y (P, c, M), offset (N, M). Made for some rows at a time, so that the distances
    stay in a CPU's cache and no (P, N, M) tensor is held.
    """
    x, y = (F.normalize(t, dim=1) for t in (x, y))
    centre = y.mean(2, keepdim=True)
    x, y = x - centre, y - centre
    y_square = y.square().sum(1, keepdim=True)
    (pairs, _, num_nodes), num_keys = x.shape, y.shape[2]
    chunk = CPU_CHUNK if x.is_cpu else CHUNK
    # fewer rows are not worth the call; an unrolled loop would make a huge graph
    rows = num_nodes if traced() else max(chunk // (pairs * num_keys), 64)
    found = []
    for start in range(0, num_nodes, rows):
        part = slice(start, start + rows)
        # without |x|^2, which ranks no keys of a node
        distance = torch.baddbmm(y_square, x[:, :, part].mT, y, alpha=-2)
        if offset is not None:
            distance += offset[part]
        nearest = distance.topk(count, largest=False).indices
        found.append(nearest[..., ::step].int())
    return torch.cat(found, 1)
