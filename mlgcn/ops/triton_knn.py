"""Group KNN on a GPU in Triton: no distance matrix in memory."""

import functools
import os
import warnings

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import traced
from .relative_pos import Offset, SeparableTable

MAX_COUNT = 128  # neighbours of a node, which are held in registers
MAX_BLOCK = 128  # nodes of a program at most: the largest BLOCK_N of triton_kernels.TILES
BLOCK_C = 16  # channels of a product at a time: the least that `tl.dot` takes


def runs_in_triton(x: Tensor, y: Tensor, count: int) -> bool:
    """Whether the kernel can take these nodes and keys, and `count` neighbours of a node."""
    return (
        all(t.device.type == 'cuda' and t.dtype == torch.float32 for t in (x, y))
        and count <= MAX_COUNT
        and x.shape[2] * y.shape[2] < 2**31  # places in a table are counted in int32
        and not traced()
        and os.environ.get('MLGCN_COMPILE') != '0'
        and _works('cuda')
    )


@functools.cache
def _works(device: str) -> bool:
    """Whether the kernel compiles here and agrees with torch.cdist; if not, a warning says so."""
    generator = torch.Generator().manual_seed(0)
    try:
        with torch.no_grad(), torch.autocast(device, enabled=False):
            x, y = (torch.randn(1, 16, n, generator=generator).to(device) for n in (40, 48))
            found = nearest_in_triton(x, y, 9, 1, None)
            distance = torch.cdist(*(F.normalize(t.double(), dim=1).mT for t in (x, y)))
            expected = distance.topk(9, largest=False).indices
            torch.testing.assert_close(found, expected.int(), msg='wrong neighbours')
    except Exception as error:  # whatever a compiler can raise
        reason = f'{type(error).__name__}: {(str(error).strip().splitlines() or [""])[0]}'
        told = 'PyTorch searches for neighbours, slower and with the same results'
        warnings.warn(f'{told}: the Triton kernel fails here ({reason})', stacklevel=2)
        return False
    return True


def nearest_in_triton(x: Tensor, y: Tensor, count: int, step: int, offset: Offset) -> Tensor:
    """Every `step`-th of the `count` keys nearest to each node: (P, N, ceil(count / step)) int32.

    Features x (P, c, N) and y (P, c, M) as they come, in float32; offset (N, M) is added to the
    squared distances of the normalised ones. Everything is in float32, without TF32; exact ties
    go to the lower index. The factors of a :class:`SeparableTable` are rounded to float32 and
    added where they are needed. A node whose distances are all NaN gets `count` valid indices.
    """
    from .triton_kernels import nearest_keys, triton

    x, y = (F.normalize(t, dim=1) for t in (x, y))
    centre = y.mean(2, keepdim=True)
    x, y = x.sub_(centre), y.sub_(centre)
    row = column = None
    width = x.shape[2]
    if isinstance(offset, SeparableTable):
        width = len(offset.column)
        # a program's nodes may cross the end of a grid row: columns go on where they begin again
        repeated = torch.arange(width + MAX_BLOCK, device=x.device) % width
        row, column = offset.row.float(), offset.column.float()[repeated].T.contiguous()
    elif offset is not None:
        column = offset.float().T.contiguous()
    (pairs, channels, num_nodes), num_keys = x.shape, y.shape[2]
    found = x.new_empty(pairs, num_nodes, -(-count // step), dtype=torch.int32)
    tensors = x.contiguous(), (y * -2).contiguous(), y.square().sum(1), row, column, found
    stride = 0 if column is None else column.shape[1]
    sizes = num_nodes, num_keys, channels, width, stride, count, step
    blocks = dict(SLOTS=max(triton.next_power_of_2(count), 16), BLOCK_C=BLOCK_C)
    with torch.cuda.device_of(x):
        grid = lambda tile: (pairs * triton.cdiv(num_nodes, tile['BLOCK_N']),)  # noqa: E731
        nearest_keys[grid](*tensors, *sizes, **blocks)
    return found
