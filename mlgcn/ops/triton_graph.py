"""Max-relative aggregation on a GPU in Triton: one pass forward, one pass backward."""

import torch
from torch import Tensor

BLOCK = dict(BLOCK_N=64, BLOCK_C=32, num_warps=4)


def max_relative_in_triton(x: Tensor, y: Tensor, index: Tensor) -> Tensor:
    """:func:`mlgcn.ops.graph.max_relative`, bit for bit; the gradient of y up to rounding.

    Nodes x (B, C, ...), keys y (B, C, ...) and neighbours index (B, G, N, k) give features shaped
    and laid out like x. The gradient of y is summed in float32 by atomic additions, in an order
    that differs from run to run; under `torch.use_deterministic_algorithms` by PyTorch's
    deterministic `scatter_add_`.
    """
    nodes = x.flatten(2)
    if not (nodes.is_contiguous() or nodes.mT.is_contiguous()):
        nodes = nodes.contiguous()
    keys = y.flatten(2).mT.contiguous()  # (B, M, C): a neighbour is a row
    needs_winner = torch.is_grad_enabled() and y.requires_grad
    return _max_relative(nodes, keys, index, needs_winner)[0].view(x.shape)


@torch.library.custom_op('mlgcn::max_relative', mutates_args=())
def _max_relative(x: Tensor, y: Tensor, index: Tensor, needs_winner: bool) -> tuple[Tensor, Tensor]:
    """x (B, C, N), y (B, M, C), index (B, G, N, k) -> out like x, winner (B, N, C) or nothing."""
    from .triton_kernels import max_relative

    out, winner = _empty(x, y, index, needs_winner)
    tensors = x, y, index, out, winner if needs_winner else None
    _launch(max_relative, x, y.shape[1], index, tensors)
    return out, winner


@_max_relative.register_fake
def _empty(x, y, index, needs_winner):
    (batch, channels, num_nodes), k = x.shape, index.shape[3]
    out = torch.empty_like(x, dtype=torch.promote_types(x.dtype, y.dtype))
    shape = (batch, num_nodes, channels) if needs_winner else (0,)
    return out, x.new_empty(shape, dtype=torch.uint8 if k <= 256 else torch.int32)


def _save(ctx, inputs, output):
    _, y, index, _ = inputs
    ctx.save_for_backward(index, output[1])
    ctx.num_keys = y.shape[1]


def _backward(ctx, grad, _):
    grad_y = None
    if ctx.needs_input_grad[1]:
        grad_y = _add_to_winners(grad, *ctx.saved_tensors, ctx.num_keys)
    return -grad, grad_y, None, None


_max_relative.register_autograd(_backward, setup_context=_save)


@torch.library.custom_op('mlgcn::add_to_winners', mutates_args=())
def _add_to_winners(grad: Tensor, index: Tensor, winner: Tensor, num_keys: int) -> Tensor:
    """The gradient (B, M, C) of the keys: grad (B, C, N), index (B, G, N, k), winner (B, N, C)."""
    out = _zeros(grad, index, winner, num_keys).zero_()
    if torch.are_deterministic_algorithms_enabled():
        groups = index.shape[1]
        key = index.transpose(1, 2).gather(3, winner.unflatten(2, (groups, -1)).long())
        return out.scatter_add_(1, key.flatten(2).long(), grad.mT.to(out.dtype))
    from .triton_kernels import add_to_winners

    if not (grad.is_contiguous() or grad.mT.is_contiguous()):
        grad = grad.contiguous()
    _launch(add_to_winners, grad, num_keys, index, (grad, index, winner, out))
    return out


@_add_to_winners.register_fake
def _zeros(grad, index, winner, num_keys):
    return grad.new_empty(grad.shape[0], num_keys, grad.shape[1], dtype=torch.float32)


def _launch(kernel, x: Tensor, num_keys: int, index: Tensor, tensors: tuple):
    """Run a kernel over the nodes and the channels of every group of x (B, C, N)."""
    from .triton_kernels import triton

    (batch, groups, num_nodes, k), channels = index.shape, x.shape[1] // index.shape[1]
    grid = (
        batch * groups * triton.cdiv(num_nodes, BLOCK['BLOCK_N']),
        triton.cdiv(channels, BLOCK['BLOCK_C']),
    )
    sizes = num_nodes, num_keys, groups, channels, x.stride(2), x.stride(1), k
    with torch.cuda.device_of(x):
        kernel[grid](*tensors, *sizes, **BLOCK)
