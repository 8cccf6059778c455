"""Dilated group k-nearest-neighbour search: which keys each node listens to."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .knn_cpu import nearest_in_c, runs_in_c
from .relative_pos import SeparableTable
from .triton_knn import nearest_in_triton
from .triton_support import runs_in_triton

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
    x: Tensor,
    y: Tensor,
    k: int,
    dilation: int = 1,
    groups: int = 1,
    relative_pos: Tensor | SeparableTable | None = None,
) -> Tensor:
    """:func:`group_knn` step by step as published, with whole distance matrices: the reference."""
    x, y = (F.normalize(split_groups(t, groups), dim=2).mT for t in (x, y))
    distance = pairwise_distances(x, y)
    if relative_pos is not None:
        distance = distance + relative_pos[: x.shape[2]]
    nearest = (-distance).topk(k * dilation).indices
    return nearest[..., ::dilation].int()


@torch.no_grad()
def group_knn(
    x: Tensor,
    y: Tensor,
    k: int,
    dilation: int = 1,
    groups: int = 1,
    relative_pos: Tensor | SeparableTable | None = None,
) -> Tensor:
    """For every node and channel group, the indices of its neighbours among the keys.

    Distances are those between the group's L2-normalised channels, plus `relative_pos`. Of the
    k * dilation nearest keys every `dilation`-th is kept, nearest first (Yao et al., "GKGNet",
    ECCV 2024; dilation: Li et al., "DeepGCNs", ICCV 2019). No gradient flows.

    The search is in float32 (float64 for float64 input), under autocast too: half precision has
    too few digits to rank neighbours. Features are centred first, which leaves the distances as
    they are but makes their rounding errors smaller than those of the published code. It runs in
    C on a CPU and in Triton on a GPU where they can be compiled (MLGCN_COMPILE=0 or
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
        ValueError: there are fewer than k * dilation keys.
    """
    num_keys = y.flatten(2).shape[2]
    if num_keys < k * dilation:
        raise ValueError(
            f'group_knn: k * dilation = {k} * {dilation} = {k * dilation} neighbours asked for, '
            f'but there are only {num_keys} keys'
        )
    with torch.autocast(x.device.type, enabled=False):
        x, y = (t if t.dtype == torch.float64 else t.float() for t in (x, y))
        x, y = (split_groups(t, groups).flatten(0, 1) for t in (x, y))  # (B * G, c, n)
        if runs_in_triton(x, y, k * dilation):
            search = nearest_in_triton
        elif not torch.compiler.is_compiling() and runs_in_c(x, y, k * dilation):
            search = nearest_in_c
        else:
            search = _nearest
        nearest = search(x, y, k * dilation, dilation, relative_pos)
    return nearest.unflatten(0, (-1, groups))


def _nearest(
    x: Tensor, y: Tensor, count: int, step: int, offset: Tensor | SeparableTable | None
) -> Tensor:
    """Every `step`-th of the `count` keys nearest to each node: (P, N, count / step).

    x (P, c, N), y (P, c, M), offset (N, M). Made for some rows at a time, so that the distances
    stay in a CPU's cache and no (P, N, M) tensor is held.
    """
    (pairs, _, num_nodes), num_keys = x.shape, y.shape[2]
    x, y = (F.normalize(t, dim=1) for t in (x, y))
    centre = y.mean(2, keepdim=True)
    x, y = x - centre, y - centre
    y_square = y.square().sum(1, keepdim=True)
    if torch.compiler.is_compiling():  # an unrolled loop would make a huge graph
        tile = None if offset is None else offset[:num_nodes]
        return _rank(x, y, y_square, tile, count, step)
    chunk = CPU_CHUNK if x.device.type == 'cpu' else CHUNK
    rows = min(max(chunk // num_keys, 1), num_nodes)
    pairs_at_once = min(max(chunk // (rows * num_keys), 1), pairs)
    found = x.new_empty(pairs, num_nodes, -(-count // step), dtype=torch.int32)
    for start in range(0, num_nodes, rows):
        part = slice(start, start + rows)
        tile = None if offset is None else offset[part]
        for first in range(0, pairs, pairs_at_once):
            some = slice(first, first + pairs_at_once)
            found[some, part] = _rank(x[some, :, part], y[some], y_square[some], tile, count, step)
    return found


def _rank(
    x: Tensor, y: Tensor, y_square: Tensor, offset: Tensor | None, count: int, step: int
) -> Tensor:
    """As :func:`_nearest`, with all distances at once, less |x|^2: it ranks no keys of a node."""
    distance = torch.baddbmm(y_square, x.mT, y, alpha=-2)
    if offset is not None:
        distance += offset
    return distance.topk(count, largest=False).indices[..., ::step].int()
