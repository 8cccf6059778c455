"""Group KNN on a CPU in C (knn_cpu.c): the same neighbours, no distance matrix in memory."""

import ctypes

import torch
import torch.nn.functional as F
from torch import Tensor

from .compiled import compiled, on_all_threads
from .relative_pos import SeparableTable

MAX_COUNT = 64  # LANES in knn_cpu.c
TIE = 2**-21  # distances nearer than this are compared in float64

POINTERS = ('x', 'y', 'key', 'key_square', 'centre', 'row', 'column', 'table', 'found', 'next')
NUMBERS = ('P', 'c', 'N', 'M', 'm', 'W', 'count', 'step')


class Search(ctypes.Structure):
    """The arguments of `group_knn` in knn_cpu.c, which describes them."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in POINTERS),
        *((name, ctypes.c_int64) for name in NUMBERS),
    ]


def runs_in_c(x: Tensor, y: Tensor, count: int) -> bool:
    """Whether :func:`nearest_in_c` can do it: float32 features on a CPU, and a C compiler."""
    return (
        x.device.type == y.device.type == 'cpu'
        and x.dtype == y.dtype == torch.float32
        and count <= MAX_COUNT
        and compiled('knn_cpu') is not None
    )


def nearest_in_c(
    x: Tensor, y: Tensor, count: int, step: int, offset: Tensor | SeparableTable | None
) -> Tensor:
    """Every `step`-th of the `count` keys nearest to each node: (P, N, ceil(count / step)) int32.

    Features x (P, c, N) and y (P, c, M) as they come; offset (N, M) is added to the squared
    distances of the normalised ones. Neighbours whose distances differ by less than TIE in
    float32 are put in order by their float64 distances, exact ties by the lower index.
    """
    (pairs, c, num_nodes), num_keys = x.shape, y.shape[2]
    padding = (0, -num_keys % 64)
    x, y = x.contiguous(), y.contiguous()
    norm = y.square().sum(1, keepdim=True).sqrt_().clamp_min_(1e-12)
    key = y * norm.reciprocal_()  # F.normalize, without its slow reduction
    centre = key.mean(2, keepdim=True)
    key -= centre
    key_square = F.pad(key.square().sum(1), padding, value=float('inf'))
    key = F.pad(key.mul_(-2), padding)
    tensors = dict(x=x, y=y, key=key, key_square=key_square, centre=centre)
    width = 1
    if isinstance(offset, SeparableTable):
        tensors['row'], tensors['column'] = (
            F.pad(offset.row, padding),
            F.pad(offset.column, padding),
        )
        width = len(offset.column)
    elif offset is not None:
        tensors['table'] = F.pad(offset[:num_nodes].float(), padding).contiguous()
    found = x.new_empty(pairs, num_nodes, -(-count // step), dtype=torch.int32)
    tensors |= dict(found=found, next=torch.zeros(1, dtype=torch.int64))
    search = Search(
        **{name: tensor.data_ptr() for name, tensor in tensors.items()},
        **dict(zip(NUMBERS, (pairs, c, num_nodes, num_keys, key.shape[2], width, count, step))),
    )
    function = compiled('knn_cpu').group_knn
    on_all_threads(lambda: function(ctypes.byref(search), ctypes.c_double(TIE)))
    return found
