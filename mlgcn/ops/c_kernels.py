"""Neighbour search, aggregation, GELU after a norm, and sorts, in C.

`pip install` (or `python setup.py build_ext --inplace`) compiles _c/kernels.c where there is a C
compiler. It is no Python module: ctypes calls it, without the interpreter's lock.
"""

import ctypes
import functools
import os
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import traced
from .relative_pos import Offset, SeparableTable
from .rows import as_rows, like_map

LANES = 64  # of ranking.c: keys are padded to a multiple, and count may not exceed it


@functools.cache
def library() -> ctypes.CDLL | None:
    """The compiled kernels; None if they were not built, or with MLGCN_COMPILE=0."""
    if os.environ.get('MLGCN_COMPILE') == '0':
        return None
    names = (Path(__file__).with_name('_c') / f'kernels{suffix}' for suffix in EXTENSION_SUFFIXES)
    path = next((name for name in names if name.exists()), None)
    try:
        kernels = path and ctypes.CDLL(str(path))
    except OSError:  # built for another machine
        return None
    # an older build would read the arguments of these in another order
    return kernels if hasattr(kernels, 'norm_backward') else None


def searches_in_c(x: Tensor, y: Tensor, count: int) -> bool:
    """Whether :func:`nearest_in_c` can do it: in float32 on a CPU, not traced."""
    return count <= LANES and x.dtype == y.dtype == torch.float32 and available_for(x)


def aggregates_in_c(x: Tensor, y: Tensor, index: Tensor) -> bool:
    """Whether :class:`MaxRelativeInC` can do it: any but float64 on a CPU, not traced."""
    winner_fits_a_byte = index.shape[3] <= 256
    return winner_fits_a_byte and torch.float64 not in (x.dtype, y.dtype) and available_for(x)


def available_for(x: Tensor) -> bool:
    """Whether the kernels were built and x is on a CPU and not traced."""
    return x.is_cpu and not traced() and library() is not None


def nearest_in_c(
    x: Tensor, y: Tensor, groups: int, count: int, step: int, offset: Offset
) -> Tensor:
    """Every `step`-th of the `count` keys nearest to each node: (P, N, ceil(count / step)) int32.

    Features x (B, C, ...) and y (B, C, ...) as they come; offset (N, M) is added to the squared
    distances of the normalised ones. Neighbours whose distances are nearly the same in float32
    are put in order by their float64 distances, exact ties by the lower index.
    """
    x, key = as_rows(x), y.flatten(2).unflatten(1, (groups, -1)).flatten(0, 1)
    (pairs, c, num_keys), num_nodes = key.shape, x.shape[1]
    norm = key.square().sum(1, keepdim=True).sqrt_().clamp_min_(1e-12)
    key = key * norm.reciprocal_()  # F.normalize, without its slow reduction
    centre = key.mean(2, keepdim=True)
    key -= centre
    row = column = table = None
    width = 1
    if isinstance(offset, SeparableTable):
        row, column = (_padded(part.double()) for part in (offset.row, offset.column))
        width = len(column)
    elif offset is not None:
        table = _padded(offset.float())
    square, key = _padded(key.square().sum(1), float('inf')), _padded(key.mul_(-2))
    key = key.unflatten(2, (-1, LANES)).transpose(1, 2).contiguous()  # what is read is together
    found = x.new_empty(pairs, num_nodes, -(-count // step), dtype=torch.int32)
    tensors = x, as_rows(y), key, square, centre, row, column, table, found
    sizes = pairs, groups, c, num_nodes, num_keys, square.shape[1], width, count, step
    call('group_knn', tensors, sizes)
    return found


class MaxRelativeInC(torch.autograd.Function):
    """:func:`mlgcn.ops.max_relative` without (B, C, N, k) tensors: the same bits.

    The gradient goes to the first neighbour that attains the maximum, as `Tensor.max` has it.
    Half precision is computed in float32: the result is rounded once, as in the plain form.
    """

    @staticmethod
    def forward(ctx, x: Tensor, y: Tensor, index: Tensor) -> Tensor:
        groups, num_nodes, k = index.shape[1:]
        nodes, rows, index = as_rows(x.float()), as_rows(y.float()), index.int().contiguous()
        pairs, c, num_keys = index.shape[:2].numel(), x.shape[1] // groups, rows.shape[1]
        ctx.sizes, ctx.y_shape = (pairs, groups, c, num_nodes, num_keys, k), y.shape
        out, winner = torch.empty_like(nodes), None
        if ctx.needs_input_grad[1]:
            winner = torch.empty(pairs, num_nodes, c, dtype=torch.uint8)
        call('neighbour_max', (nodes, rows, index, out, winner), ctx.sizes)
        ctx.save_for_backward(index, winner)
        return like_map(out, x.shape).to(torch.promote_types(x.dtype, y.dtype))

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor | None, None]:
        index, winner = ctx.saved_tensors
        if winner is None:
            return -grad, None, None
        rows = torch.zeros(ctx.y_shape[0], ctx.sizes[4], ctx.y_shape[1])
        nodes = as_rows(grad.float())
        call('neighbour_max_backward', (nodes, None, index, rows, winner), ctx.sizes)
        return -grad, like_map(rows, ctx.y_shape), None


def order_of_halves(values: np.ndarray) -> np.ndarray:
    """`np.argsort` of float16 (N,) that are not negative, equal ones as numpy has them."""
    bits, kernel = values.view(np.uint16), getattr(library(), 'order_of_halves', None)
    if kernel and len(bits) < 2**31:
        items = bits.astype(np.uint64) << 32 | np.arange(len(bits), dtype=np.uint64)
        room = np.empty((2, len(bits)), np.int32)
        pointers = (ctypes.c_void_p(table.ctypes.data) for table in (items, *room))
        if not kernel(*pointers, ctypes.c_int64(len(bits))):
            return (items & 0xFFFFFFFF).astype(np.int64)
    return np.argsort(bits)  # the same steps as for the values, without converting them


def sorted_floats(values: np.ndarray) -> np.ndarray:
    """`np.sort` of float32 (N,) without NaN, which C does from 4,096 on; -0 comes before 0."""
    kernel = getattr(library(), 'sort_floats', None)
    fits = values.dtype == np.float32 and values.ndim == 1 and 2**12 <= len(values) < 2**31
    if kernel is None or not fits:
        return np.sort(values)
    values, (result, room) = np.ascontiguousarray(values), np.empty((2, len(values)), np.float32)
    pointers = (ctypes.c_void_p(table.ctypes.data) for table in (values, result, room))
    kernel(*pointers, ctypes.c_int64(len(values)))
    return result


def _padded(keys: Tensor, value: float = 0.0) -> Tensor:
    return F.pad(keys, (0, -keys.shape[-1] % LANES), value=value).contiguous()


def call(name: str, tensors: tuple[Tensor | None, ...], sizes: tuple[int, ...]) -> None:
    """Call a C function on every thread with its struct: a counter, pointers, then sizes."""
    values = 0, *(0 if tensor is None else tensor.data_ptr() for tensor in tensors), *sizes
    arguments = (ctypes.c_int64 * len(values))(*values)
    function, threads = getattr(library(), name), torch.get_num_threads()
    if threads > 1 and (parallel := openmp()):
        parallel(ctypes.cast(function, ctypes.c_void_p), arguments, threads, 0)
    if function(arguments):  # what is left: all of it, or nothing but the question for memory
        raise MemoryError(f'{name} in C got no memory')


@functools.cache
def openmp() -> Callable | None:
    """`GOMP_parallel(function, argument, threads, 0)` of torch's OpenMP; None if it has another.

    On threads of our own the kernels would share the cores with torch's, which spin for a while
    after every operator.
    """
    parallel = getattr(ctypes.CDLL(None), 'GOMP_parallel', None) if os.name == 'posix' else None
    if parallel is not None:
        parallel.restype = None
        parallel.argtypes = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint
    return parallel
