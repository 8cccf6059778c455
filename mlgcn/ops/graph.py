"""Max-relative graph aggregation: what a node learns from its neighbours."""

import torch
from torch import Tensor

from .knn import split_groups


def gather_keys(y: Tensor, index: Tensor) -> Tensor:
    """The keys y (B, C, ...) at the neighbour indices (B, G, N, k): (B, C, N, k).

    Channels of group g are gathered with index[:, g].
    """
    groups, num_nodes, k = index.shape[1:]
    y = split_groups(y, groups)  # (B, G, c, M)
    flat = index.long().flatten(2).unsqueeze(2).expand(-1, -1, y.shape[2], -1)
    return y.gather(3, flat).unflatten(3, (num_nodes, k)).flatten(1, 2)


def max_relative_plain(x: Tensor, y: Tensor, index: Tensor) -> Tensor:
    """:func:`max_relative` as it is written in the paper: the reference, traceable."""
    relative = gather_keys(y, index) - x.flatten(2).unsqueeze(3)  # (B, C, N, k)
    return relative.max(dim=3).values.view_as(x)


def max_relative(x: Tensor, y: Tensor, index: Tensor) -> Tensor:
    """m_i = max_j (y_j - x_i) over the neighbours j of node i, channel by channel.

    Li et al., "DeepGCNs", ICCV 2019 (max-relative graph convolution). Computed as
    max_j(y_j) - x_i, the same bits because rounding is monotone, with a running maximum over the
    k neighbours: no (B, C, N, k) tensor is made. Gradients go to the first neighbour that
    attains the maximum.

    Args:
        x: nodes (B, C, ...), N of them.
        y: keys (B, C, ...), M of them.
        index: neighbours (B, G, N, k) from :func:`mlgcn.ops.knn.group_knn`.

    Returns:
        Features shaped like x.
    """
    if torch.compiler.is_compiling():
        return max_relative_plain(x, y, index)
    return NeighbourMax.apply(y, index).flatten(1, 2).view_as(x) - x


class NeighbourMax(torch.autograd.Function):
    """max_j y_j over the neighbours j: keys (B, C, ...) and index (B, G, N, k) to (B, G, c, N)."""

    @staticmethod
    def forward(ctx, y: Tensor, index: Tensor) -> Tensor:
        groups, k = index.shape[1], index.shape[3]
        rows = split_groups(y, groups).mT.flatten(0, 2)  # (B * G * M, c): a neighbour is one row
        num_keys = y.flatten(2).shape[2]
        flat = _flat_index(index, num_keys)
        best = rows.index_select(0, flat[0])
        winner = torch.zeros_like(best, dtype=torch.uint8) if ctx.needs_input_grad[0] else None
        for slot in range(1, k):
            candidate = rows.index_select(0, flat[slot])
            if winner is not None:
                winner.masked_fill_(candidate > best, slot)
            torch.maximum(best, candidate, out=best)
        ctx.save_for_backward(winner, index)
        ctx.shape = y.shape
        return best.unflatten(0, index.shape[:3]).mT

    @staticmethod
    def backward(ctx, grad: Tensor):
        winner, index = ctx.saved_tensors
        groups = index.shape[1]
        num_keys = ctx.shape[2:].numel()
        channels = winner.shape[1]
        flat = _flat_index(index, num_keys).T  # (B * G * N, k)
        target = flat.gather(1, winner.long()).mul_(channels)
        target += torch.arange(channels, device=grad.device)
        out = grad.new_zeros(ctx.shape[0] * groups * num_keys * channels)
        out.scatter_add_(0, target.flatten(), grad.mT.flatten())
        out = out.view(ctx.shape[0], groups, num_keys, channels).mT
        return out.reshape(ctx.shape), None


def _flat_index(index: Tensor, num_keys: int) -> Tensor:
    """(B, G, N, k) indices among M keys as (k, B * G * N) indices among all B * G * M."""
    first = torch.arange(index.shape[:2].numel(), device=index.device) * num_keys
    return (index.flatten(0, 1) + first.view(-1, 1, 1)).flatten(0, 1).T.contiguous()
