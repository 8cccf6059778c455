"""What is between two 1x1 convolutions, BatchNorm and GELU, in one pass over memory."""

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .c_kernels import available_for, call
from .rows import as_rows, in_one_line, like_map, product, runs_in_one_dnn, weight_gradient

ROWS = 64  # of norm_gelu.c


def norm_gelu_pointwise(x: Tensor, norm: nn.Module, weight: Tensor, bias: Tensor) -> Tensor:
    """The 1x1 convolution of gelu(norm(x)) by weight (C', C, 1, ...): (B, C, ...) -> (B, C', ...).

    For the backward pass x alone is kept; gelu(norm(x)) is computed again on the way.
    """
    rows = as_rows(x).flatten(0, 1)
    with torch.no_grad():
        mean, scale = _statistics(rows, norm)
    of_batch = norm.training
    args = rows, mean, scale, norm.weight, norm.bias, weight.flatten(1), bias, of_batch
    return like_map(_NormGeluPointwise.apply(*args).unflatten(0, (len(x), -1)), x.shape)


def runs_in_one_pass(x: Tensor, norm: nn.Module, weight: Tensor) -> bool:
    """Whether :func:`norm_gelu_pointwise` can do it: BatchNorm as usual, in float32 on a CPU."""
    usual = type(norm) in (nn.BatchNorm1d, nn.BatchNorm2d) and norm.track_running_stats
    if not usual or not norm.affine or norm.momentum is None or x.numel() == x.shape[1]:
        return False
    return runs_in_one_dnn(x, weight) and norm.weight.dtype == x.dtype and available_for(x)


def _statistics(rows: Tensor, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Mean and 1 / deviation (C) that the norm subtracts and multiplies by; a batch is counted."""
    mean, variance = norm.running_mean, norm.running_var
    if norm.training:
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked += 1
        nodes = in_one_line(rows[None])
        mean, variance = torch.batch_norm_update_stats(nodes, mean, variance, norm.momentum)
    return mean, (variance + norm.eps).rsqrt()


class _NormGeluPointwise(torch.autograd.Function):
    """Rows (n, C) to (n, C'); with `of_batch`, mean and scale depend on the rows."""

    @staticmethod
    def forward(ctx, x, mean, scale, gamma, beta, weight, bias, of_batch) -> Tensor:
        ctx.save_for_backward(x, mean, scale, gamma, beta, weight)
        ctx.of_batch = of_batch
        y = torch.empty_like(x)
        call('norm_gelu', (x, mean, scale, gamma, beta, y, None, None), x.shape)
        return product(y, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, mean, scale, gamma, beta, weight = ctx.saved_tensors
        grad, n = grad.contiguous(), len(x)
        y, inner = torch.empty_like(x), product(grad, weight.t())
        sums = x.new_zeros(-(-n // ROWS), 2, x.shape[1])
        # inner, the gradient of y, becomes that of norm(x)
        call('norm_gelu', (x, mean, scale, gamma, beta, y, inner, sums), x.shape)
        grad_weight, grad_bias = weight_gradient(grad, y), grad.sum(0)
        grad_beta, grad_gamma = sums.sum(0)
        factor = scale * gamma
        slope = -factor * scale * grad_gamma / n if ctx.of_batch else torch.zeros_like(scale)
        shift = -factor * grad_beta / n if ctx.of_batch else slope
        # (of x) factor * inner + slope * (x - mean) + shift
        call('norm_backward', (x, mean, slope, factor, shift, None, inner, None), x.shape)
        return inner, None, None, grad_gamma, grad_beta, grad_weight, grad_bias, None
