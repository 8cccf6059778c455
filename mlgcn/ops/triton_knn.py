"""Group KNN on a GPU in Triton: no distance matrix in memory."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .relative_pos import SeparableTable

MAX_COUNT = 128  # neighbours kept in registers while the keys pass by
MAX_BLOCK = 128  # nodes of a program at most
BLOCK_C = 16  # channels of a product at a time: the least that `tl.dot` takes


def nearest_in_triton(
    x: Tensor, y: Tensor, count: int, step: int, offset: Tensor | SeparableTable | None
) -> Tensor:
    """Every `step`-th of the `count` keys nearest to each node: (P, N, ceil(count / step)) int32.

    Features x (P, c, N) and y (P, c, M) as they come, in float32; offset (N, M) is added to the
    squared distances of the normalised ones. Everything is in float32, without TF32; exact ties
    go to the lower index. The factors of a :class:`SeparableTable` are rounded to float32 and
    added where they are needed. A node whose distances are all NaN gets `count` valid indices.
    """
    x, y = (F.normalize(t, dim=1) for t in (x, y))
    centre = y.mean(2, keepdim=True)
    x, y = x.sub_(centre), y.sub_(centre)
    row = column = None
    width = x.shape[2]
    if isinstance(offset, SeparableTable):
        width = len(offset.column)
        repeated = torch.arange(width + MAX_BLOCK, device=x.device) % width
        row, column = offset.row.float(), offset.column.float()[repeated].T.contiguous()
    elif offset is not None:
        column = offset[:width].float().T.contiguous()
    return _nearest(x, y * -2, y.square().sum(1), row, column, width, count, step)


@torch.library.custom_op('mlgcn::nearest_keys', mutates_args=())
def _nearest(
    x: Tensor,
    y: Tensor,
    square: Tensor,
    row: Tensor | None,
    column: Tensor | None,
    width: int,
    count: int,
    step: int,
) -> Tensor:
    """The tensors that :func:`mlgcn.ops.triton_kernels.nearest_keys` describes."""
    from .triton_kernels import nearest_keys, triton

    (pairs, channels, num_nodes), num_keys = x.shape, y.shape[2]
    found = x.new_empty(pairs, num_nodes, -(-count // step), dtype=torch.int32)
    with torch.cuda.device_of(x):
        nearest_keys[lambda tile: (pairs * triton.cdiv(num_nodes, tile['BLOCK_N']),)](
            x.contiguous(),
            y.contiguous(),
            square,
            row,
            column,
            found,
            num_nodes,
            num_keys,
            channels,
            width,
            0 if column is None else column.shape[1],
            count,
            step,
            SLOTS=max(triton.next_power_of_2(count), 16),
            BLOCK_C=BLOCK_C,
        )
    return found


@_nearest.register_fake
def _(x, y, square, row, column, width, count, step):
    return x.new_empty(x.shape[0], x.shape[2], -(-count // step), dtype=torch.int32)
