"""Max-relative aggregation on a CPU in C (graph_cpu.c): the same bits, no gathered neighbours."""

import ctypes

import torch
from torch import Tensor

from .compiled import compiled, on_all_threads

POINTERS = ('x', 'rows', 'index', 'out', 'winner', 'next')
NUMBERS = ('P', 'c', 'N', 'M', 'k')


class Graph(ctypes.Structure):
    """The arguments of graph_cpu.c's functions, which describes them."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in POINTERS),
        *((name, ctypes.c_int64) for name in NUMBERS),
    ]


def aggregates_in_c(x: Tensor, y: Tensor, index: Tensor) -> bool:
    """Whether :class:`MaxRelativeInC` can do it: float32 on a CPU, and a C compiler."""
    return (
        x.device.type == y.device.type == 'cpu'
        and x.dtype == y.dtype == torch.float32
        and index.shape[3] <= 256  # winners are bytes
        and compiled('graph_cpu') is not None
    )


class MaxRelativeInC(torch.autograd.Function):
    """max_j y_j - x_i for x (B, C, ...), y (B, C, ...) and index (B, G, N, k): shaped like x.

    The gradient goes to the first neighbour that attains the maximum, as `Tensor.max` has it.
    """

    @staticmethod
    def forward(ctx, x: Tensor, y: Tensor, index: Tensor) -> Tensor:
        pairs, num_nodes, k = index.shape[:2].numel(), *index.shape[2:]
        c, num_keys = x.shape[1] // index.shape[1], y.shape[2:].numel()
        ctx.numbers, ctx.y_shape = (pairs, c, num_nodes, num_keys, k), y.shape
        x, index = x.contiguous(), index.int().contiguous()
        rows = y.reshape(pairs, c, num_keys).mT.contiguous()
        winner = None
        if ctx.needs_input_grad[1]:
            winner = torch.empty(pairs, num_nodes, c, dtype=torch.uint8)
        out = torch.empty_like(x)
        _call('neighbour_max', ctx.numbers, x=x, rows=rows, index=index, out=out, winner=winner)
        ctx.save_for_backward(index, winner)
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor | None, None]:
        index, winner = ctx.saved_tensors
        if winner is None:
            return -grad, None, None
        grad, (pairs, c, _, num_keys, _) = grad.contiguous(), ctx.numbers
        rows = grad.new_zeros(pairs, num_keys, c)
        name = 'neighbour_max_backward'
        _call(name, ctx.numbers, x=grad, index=index, out=rows, winner=winner)
        return -grad, rows.mT.reshape(ctx.y_shape), None


def _call(name: str, numbers: tuple[int, ...], **tensors: Tensor | None) -> None:
    tensors['next'] = torch.zeros(1, dtype=torch.int64)
    pointers = {key: t.data_ptr() for key, t in tensors.items() if t is not None}
    graph = Graph(**pointers, **dict(zip(NUMBERS, numbers)))
    function = getattr(compiled('graph_cpu'), name)
    on_all_threads(lambda: function(ctypes.byref(graph)))
