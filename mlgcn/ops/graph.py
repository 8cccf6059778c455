"""Max-relative graph aggregation: what a node learns from its neighbours."""

import torch
from torch import Tensor

from .graph_cpu import MaxRelativeInC, aggregates_in_c
from .knn import split_groups
from .triton_graph import max_relative_in_triton
from .triton_support import runs_in_triton


def gather_keys(y: Tensor, index: Tensor) -> Tensor:
    """The keys y (B, C, ...) at the neighbour indices (B, G, N, k): (B, C, N, k).

    The channels of group g are gathered at index[:, g].
    """
    groups, num_nodes, k = index.shape[1:]
    y = split_groups(y, groups)  # (B, G, c, M)
    places = index.long().flatten(2).unsqueeze(2).expand(-1, -1, y.shape[2], -1)
    return y.gather(3, places).unflatten(3, (num_nodes, k)).flatten(1, 2)


def max_relative_plain(x: Tensor, y: Tensor, index: Tensor) -> Tensor:
    """:func:`max_relative` step by step as published, with (B, C, N, k) tensors: the reference."""
    groups, num_nodes, k = index.shape[1:]
    itself = torch.arange(num_nodes, device=index.device).view(-1, 1).expand(-1, k)
    neighbours = _selected(split_groups(y, groups).flatten(0, 1), index.flatten(0, 1))
    centres = _selected(
        split_groups(x, groups).flatten(0, 1), itself.expand_as(index).flatten(0, 1)
    )
    return (neighbours - centres).max(dim=3).values.reshape(x.shape)


def _selected(x: Tensor, index: Tensor) -> Tensor:
    """Columns of x (P, c, n) at index (P, N, k), by way of rows: (P, c, N, k)."""
    pairs, c, n = x.shape
    first = torch.arange(pairs, device=index.device).view(-1, 1, 1) * n
    rows = x.transpose(1, 2).reshape(pairs * n, c)[(index + first).flatten()]
    return rows.view(*index.shape, c).permute(0, 3, 1, 2).contiguous()


def max_relative(x: Tensor, y: Tensor, index: Tensor) -> Tensor:
    """m_i = max_j (y_j - x_i) over the neighbours j of node i, channel by channel.

    The max-relative graph convolution of Li et al., "DeepGCNs", ICCV 2019, before its
    learned part. Computed as max_j(y_j) - x_i: the same bits, because rounding is monotone.

    Args:
        x: nodes (B, C, ...), N of them.
        y: keys (B, C, ...), M of them.
        index: neighbours (B, G, N, k) from :func:`mlgcn.ops.knn.group_knn`.

    Returns:
        Features shaped like x.
    """
    if runs_in_triton(x, y):
        return max_relative_in_triton(x, y, index)
    if torch.compiler.is_compiling():
        return gather_keys(y, index).max(dim=3).values.view_as(x) - x
    if aggregates_in_c(x, y, index):
        return MaxRelativeInC.apply(x, y, index)
    return _NeighbourMax.apply(y, index).reshape(x.shape) - x


class _NeighbourMax(torch.autograd.Function):
    """max_j y_j over the neighbours: keys (B, C, ...) and index (B, G, N, k) to (B, G, c, N).

    A running maximum over the k neighbours, which are rows of c channels. The gradient goes to
    the first neighbour that attains the maximum, as `Tensor.max` has it.
    """

    @staticmethod
    def forward(ctx, y: Tensor, index: Tensor) -> Tensor:
        rows = split_groups(y, index.shape[1]).mT.flatten(0, 2)  # (B * G * M, c)
        neighbours = _row_index(index, y.shape[2:].numel())
        best = rows.index_select(0, neighbours[0])
        winner = torch.zeros_like(best, dtype=torch.uint8) if ctx.needs_input_grad[0] else None
        for slot in range(1, len(neighbours)):
            candidate = rows.index_select(0, neighbours[slot])
            if winner is not None:
                better = (candidate > best).view(torch.uint8) * slot
                torch.maximum(winner, better, out=winner)
            torch.maximum(best, candidate, out=best)
        ctx.save_for_backward(index, winner)
        ctx.y_shape = y.shape
        return best.unflatten(0, index.shape[:3]).mT

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        index, winner = ctx.saved_tensors
        num_keys = ctx.y_shape[2:].numel()
        row = _row_index(index, num_keys).T.long().gather(1, winner.long())  # (B * G * N, c)
        out = grad.new_zeros(index.shape[:2].numel() * num_keys, winner.shape[1])
        out.scatter_add_(0, row, grad.mT.flatten(0, 2))
        return out.unflatten(0, (*index.shape[:2], num_keys)).mT.reshape(ctx.y_shape), None


def _row_index(index: Tensor, num_keys: int) -> Tensor:
    """Indices (B, G, N, k) among M keys as (k, B * G * N) indices among the B * G * M rows."""
    first = torch.arange(index.shape[:2].numel(), device=index.device, dtype=index.dtype)
    rows = index.flatten(0, 1) + (first * num_keys).view(-1, 1, 1)
    return rows.flatten(0, 1).T.contiguous()
