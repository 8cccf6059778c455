"""What the graph operators accept. Every form of an operator checks its arguments here first.

C and Triton would read and write past the end of a tensor, and PyTorch would take some wrong
shapes for others: the errors are the same for all forms, before any of them runs.
"""

import torch
from torch import Tensor


def traced() -> bool:
    """Whether a graph is being recorded, which holds PyTorch's operators alone."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def check_search(x: Tensor, y: Tensor, k: int, dilation: int, groups: int, relative_pos) -> None:
    """The arguments of :func:`mlgcn.ops.group_knn`, whose docstring names the errors."""
    _check_features('group_knn', x, y, groups)
    num_nodes, num_keys = x.shape[2:].numel(), y.shape[2:].numel()
    if k < 1 or dilation < 1:
        raise ValueError(f'group_knn: k = {k} and dilation = {dilation} must be at least 1')
    if num_keys < k * dilation:
        asked = f'k * dilation = {k} * {dilation} = {k * dilation} neighbours'
        raise ValueError(f'group_knn: {asked} asked for, but there are only {num_keys} keys')
    if relative_pos is None:
        return
    if tuple(relative_pos.shape) != (num_nodes, num_keys):
        expected = f'relative_pos must be (N, M) = ({num_nodes}, {num_keys})'
        raise ValueError(f'group_knn: {expected}, got {tuple(relative_pos.shape)}')
    _check_device('group_knn', 'relative_pos', relative_pos, x)


def check_neighbours(operator: str, index: Tensor, y: Tensor, x: Tensor | None = None) -> None:
    """Neighbours index (B, G, N, k) of nodes x (B, C, ...) among the M keys of y (B, C, ...)."""
    if index.dtype not in (torch.int32, torch.int64):
        raise TypeError(f'{operator}: index must be int32 or int64, got {index.dtype}')
    if index.ndim != 4 or index.shape[0] != y.shape[0] or not index.shape[3]:
        expected = f'index must be (B, G, N, k) with B = {y.shape[0]} and k > 0'
        raise ValueError(f'{operator}: {expected}, got {tuple(index.shape)}')
    _check_features(operator, y if x is None else x, y, index.shape[1])
    if x is not None and index.shape[2] != x.shape[2:].numel():
        expected = f'(B, G, N, k) with N = {x.shape[2:].numel()} nodes'
        raise ValueError(f'{operator}: index {tuple(index.shape)} must be {expected}')
    _check_device(operator, 'index', index, y)
    # A traced index has no values: it is the search's own. On a GPU this waits for the search.
    if traced() or index.is_meta:
        return
    low, high = (int(value) for value in index.aminmax())
    num_keys = y.shape[2:].numel()
    if low < 0 or high >= num_keys:
        seen = f'index has values from {low} to {high}'
        raise IndexError(f'{operator}: {seen}, but the keys are 0 to {num_keys - 1}')


def _check_features(operator: str, x: Tensor, y: Tensor, groups: int) -> None:
    for name, tensor in (('nodes', x), ('keys', y)):
        if not tensor.is_floating_point():
            raise TypeError(f'{operator}: {name} must be floating-point, got {tensor.dtype}')
        if tensor.ndim < 3 or not tensor.numel():
            seen = tuple(tensor.shape)
            raise ValueError(f'{operator}: {name} must be (B, C, ...) and not empty, got {seen}')
    if (x.dtype == torch.float64) != (y.dtype == torch.float64):
        raise TypeError(f'{operator}: nodes are {x.dtype}, but keys {y.dtype}')
    if x.shape[:2] != y.shape[:2]:
        seen = f'nodes {tuple(x.shape)} and keys {tuple(y.shape)}'
        raise ValueError(f'{operator}: {seen} must have the same batch size and channels')
    _check_device(operator, 'keys', y, x)
    if not 1 <= groups <= x.shape[1] or x.shape[1] % groups:
        raise ValueError(f'{operator}: groups = {groups} does not divide channels = {x.shape[1]}')


def _check_device(operator: str, name: str, tensor, features: Tensor) -> None:
    if tensor.device != features.device:
        seen = f'{name} on {tensor.device}, but the features on {features.device}'
        raise ValueError(f'{operator}: {seen}')
