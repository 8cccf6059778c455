"""Maps as rows of nodes, and 1x1 convolutions as products of two matrices.

On a CPU a map (B, C, H, W) has its channels last in memory: it is a matrix with a row for every
node. A product by oneDNN is then up to twice as fast as torch's convolution, which takes MKL with
one thread and rearranges maps; BatchNorm is three times as fast; and neighbours are whole rows.
The results differ by rounding. What these functions can't do goes to PyTorch's own operators.
"""

import os

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .checks import traced


def as_rows(x: Tensor) -> Tensor:
    """(B, C, ...) as rows (B, N, C), contiguous: no copy where the channels are last in memory."""
    return x.flatten(2).mT.contiguous()


def channels_last(x: Tensor) -> Tensor:
    """The map x (B, C, H, W), on a CPU with its channels last in memory."""
    return x.contiguous(memory_format=torch.channels_last) if x.is_cpu and not traced() else x


def in_one_line(rows: Tensor) -> Tensor:
    """Rows (B, N, C) as a map (B, C, 1, N), for operators that know only maps.

    Strides of axes of length 1 are made anew: a wrong one hides that the channels are last.
    """
    return rows.unflatten(1, (1, -1)).permute(0, 3, 1, 2)


def interleaved(x: Tensor, y: Tensor) -> Tensor:
    """Channels x_0, y_0, x_1, y_1, ... of two maps (B, C, ...): (B, 2 C, ...)."""
    if not x.is_cpu or x.dtype not in (torch.float32, torch.float64) or traced():
        return torch.stack([x, y], dim=2).flatten(1, 2)
    # a complex number is two numbers side by side: five times as fast as to stack them
    pairs = torch.view_as_real(torch.complex(as_rows(x), as_rows(y)))
    return like_map(pairs.flatten(2), x.shape)


def pointwise(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int = 1) -> Tensor:
    """1x1 convolution of x (B, C, ...) by a weight (C', C / groups, 1 ...): (B, C', ...)."""
    if not runs_in_one_dnn(x, weight):
        convolution = F.conv1d if x.ndim == 3 else F.conv2d
        return convolution(x, weight, bias, groups=groups)
    rows = _Pointwise.apply(as_rows(x), weight.flatten(1), bias, groups)
    return like_map(rows, x.shape)


def like_map(rows: Tensor, shape: torch.Size) -> Tensor:
    """Rows (B, N, C') as a map (B, C', ...) of the grid of this shape (B, C, ...)."""
    return rows.unflatten(1, shape[2:]).movedim(-1, 1)


def runs_in_one_dnn(x: Tensor, weight: Tensor) -> bool:
    """Whether :func:`product` can multiply them: in float32 on a CPU, not traced."""
    return (
        x.is_cpu
        and x.dtype == weight.dtype == torch.float32
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, '_linear_pointwise')  # torch's own, made for its compiler
        and os.environ.get('MLGCN_COMPILE') != '0'
        and not torch.is_autocast_enabled('cpu')
        and not traced()
    )


class _Pointwise(torch.autograd.Function):
    """Rows (B, N, C) times a weight (C', C / G), group by group."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.groups = groups
        return product(x, weight, bias, groups)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight), groups, grad = ctx.saved_tensors, ctx.groups, grad.contiguous()
        back = weight.unflatten(0, (groups, -1)).mT.flatten(0, 1)  # (C, C' / G)
        wanted = ctx.needs_input_grad
        return (
            product(grad, back, None, groups) if wanted[0] else None,
            weight_gradient(grad.flatten(0, 1), x.flatten(0, 1), groups) if wanted[1] else None,
            grad.sum((0, 1)) if wanted[2] else None,
            None,
        )


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None, groups: int = 1) -> Tensor:
    """x W^T + b, group by group: rows (..., C) and a weight (C', C / G) to rows (..., C')."""
    if groups == 1:
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, 'none', [], '')
    args = weight[:, :, None, None], bias, [0, 0], [1, 1], [1, 1], groups
    return torch.ops.aten.mkldnn_convolution(in_one_line(x), *args)[:, :, 0].mT


def weight_gradient(grad: Tensor, x: Tensor, groups: int = 1) -> Tensor:
    """The gradient grad^T x of a weight (C', C / G), from rows grad (n, C') and x (n, C)."""
    if groups > 1:
        grad, x = (rows.unflatten(1, (groups, -1)).transpose(0, 1) for rows in (grad, x))
        return (grad.mT @ x).flatten(0, 1)
    if grad.shape[1] > x.shape[1]:  # oneDNN rearranges the second one: the larger, once
        return product(x.t(), grad.t()).t()
    return product(grad.t(), x.t())
