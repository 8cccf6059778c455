"""The relative position table R that Pyramid ViG adds to the distances between patches."""

import torch
import torch.nn.functional as F
from torch import Tensor


def sincos(length: int, channels: int) -> Tensor:
    """Sine-cosine code of the positions 0 .. length - 1 in float64: (length, channels).

    The first half of the channels are sines, the second half cosines of position * omega_i with
    omega_i = 10000^(-2i / channels) (Vaswani et al., "Attention Is All You Need", section 3.5).
    """
    half = channels // 2
    omega = 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.outer(torch.arange(length, dtype=torch.float64), omega)
    return torch.cat([angle.sin(), angle.cos()], dim=1)


def resize_rows(table: Tensor, length: int) -> Tensor:
    """Bicubic resize of a table (n, C) along its first axis: (length, C).

    In float32 like the published one, whose source coordinates are rounded to float32 too.
    """
    if length == len(table):
        return table
    columns = table.float().T[None, :, :, None]  # 1-d data as an image of width 1
    resized = F.interpolate(columns, size=(length, 1), mode='bicubic', align_corners=False)
    return resized[0, :, :, 0].T.to(table.dtype)


class SeparableTable:
    """The float32 table R[h * W + w, j] = row[h, j] + column[w, j], made when it is sliced.

    Stands for a tensor (H * W, M) in ``table[start:stop]``, and needs (H + W) * M numbers.

    Args:
        row: (H, M) in float64.
        column: (W, M) in float64.
    """

    def __init__(self, row: Tensor, column: Tensor):
        if row.ndim != 2 or column.ndim != 2 or row.shape[1] != column.shape[1]:
            seen = f'{tuple(row.shape)} and {tuple(column.shape)}'
            raise ValueError(f'SeparableTable: row and column must be (H, M), (W, M), got {seen}')
        self.row, self.column, self.device = row, column, row.device

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.row) * len(self.column), self.row.shape[1]

    def __getitem__(self, rows: slice) -> Tensor:
        """Rows start .. stop - 1 as float32 (stop - start, M), each rounded once."""
        start, stop, _ = rows.indices(self.shape[0])
        width = len(self.column)
        first, last = start // width, -(-stop // width)  # whole grid rows that cover the slice
        tile = (self.row[first:last, None].double() + self.column).float().flatten(0, 1)
        return tile[start - first * width : stop - first * width]


Offset = Tensor | SeparableTable | None  # what is added to the distances, (N, M); None: nothing


def relative_position(
    channels: int,
    grid: tuple[int, int],
    reduction: int = 1,
    num_nodes: int | None = None,
    size: tuple[int, int] | None = None,
    device: torch.device | str | None = None,
) -> Tensor | SeparableTable:
    """R = -2 E E^T / C, resized: smaller where two patches are near each other.

    E (H * W, C) is the sine-cosine code of a grid, the first half of its channels for the column
    and the second half for the row (Han et al., "Vision GNN", NeurIPS 2022; code of Pyramid ViG).
    The published model resizes E E^T bicubically, in float32, as one image of H * W by H * W
    pixels to (N, N / reduction^2), and once more to the (N, M) of another input size. Resizing is
    linear and separable: here the two factors are resized in float64; the tables agree to 1e-6.

    Args:
        channels: C, a multiple of 4.
        grid: (H, W) of the stage's grid at the size that the model is built for.
        reduction: r; there is one key per r x r nodes.
        num_nodes: N at the built size; H * W if not given.
        size: (N, M) at the input's size; that of the built size if not given.
        device: where to put the table (it is computed on the CPU).

    Returns:
        The table (N, M): a tensor, or its separable form where the nodes are the grid's cells.
    """
    if channels % 4:
        raise ValueError(f'relative_position needs a multiple of 4 channels, got {channels}')
    height, width = grid
    num_nodes = num_nodes or height * width
    built = num_nodes, num_nodes // reduction**2
    nodes, keys = size or built

    row, column = sincos(height, channels // 2), sincos(width, channels // 2)
    code = torch.cat([column.repeat(height, 1), row.repeat_interleave(width, 0)], dim=1)
    key_code = resize_rows(resize_rows(code, built[1]), keys) * (-2 / channels)
    if nodes == num_nodes == height * width:
        key_column, key_row = key_code.chunk(2, dim=1)
        return SeparableTable((row @ key_row.T).to(device), (column @ key_column.T).to(device))
    node_code = resize_rows(resize_rows(code, num_nodes), nodes)
    tiles = [(part @ key_code.T).float() for part in node_code.split(1024)]
    return torch.cat(tiles).to(device)
