"""Max-relative graph aggregation: what a node takes from its neighbours."""

import torch
from torch import Tensor

from .c_kernels import MaxRelativeInC, aggregates_in_c
from .checks import check_neighbours
from .knn import split_groups


def gather_keys(y: Tensor, index: Tensor) -> Tensor:
    """The keys y (B, C, ...) at the neighbour indices (B, G, N, k): (B, C, N, k).

    The channels of group g are gathered at index[:, g].

    Raises:
        TypeError, ValueError, IndexError: as :func:`max_relative`.
    """
    check_neighbours('gather_keys', index, y)
    groups, num_nodes, k = index.shape[1:]
    y = split_groups(y, groups)  # (B, G, c, M)
    places = index.long().flatten(2).unsqueeze(2).expand(-1, -1, y.shape[2], -1)
    return y.gather(3, places).unflatten(3, (num_nodes, k)).flatten(1, 2)


def max_relative_plain(x: Tensor, y: Tensor, index: Tensor) -> Tensor:
    """:func:`max_relative` step by step as published, with (B, C, N, k) tensors: the reference."""
    check_neighbours('max_relative', index, y, x)
    itself = torch.arange(index.shape[2], device=index.device).view(-1, 1).expand_as(index)
    return (gather_keys(y, index) - gather_keys(x, itself)).max(dim=3).values.view(x.shape)


def max_relative(x: Tensor, y: Tensor, index: Tensor) -> Tensor:
    """m_i = max_j (y_j - x_i) over the neighbours j of node i, channel by channel.

    The max-relative graph convolution of Li et al., "DeepGCNs", ICCV 2019, before its
    learned part. Computed as max_j(y_j) - x_i: the same bits, because rounding is monotone.

    Args:
        x: nodes (B, C, ...), N of them.
        y: keys (B, C, ...), M of them.
        index: neighbours (B, G, N, k) from :func:`mlgcn.ops.knn.group_knn`; G divides C.

    Returns:
        Features shaped like x.

    Raises:
        TypeError, ValueError: a wrong type, shape or device.
        IndexError: an index below 0 or above M - 1.
    """
    check_neighbours('max_relative', index, y, x)
    if aggregates_in_c(x, y, index):
        return MaxRelativeInC.apply(x, y, index)
    return gather_keys(y, index).max(dim=3).values.view(x.shape) - x
