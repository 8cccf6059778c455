"""3x3 convolutions with 4/9 of the multiplications: Winograd's minimal filtering F(2x2, 3x3).

Every 2 x 2 pixels of the output come from a tile of 4 x 4 pixels of the input, which overlaps its
neighbours by two: both tile and filter are transformed, multiplied, and the products transformed
back (Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, section 4.1):

    Y = A^T [(G g G^T) * (B^T d B)] A

The products over channels are 16 matrix products of all tiles at once. Results differ from the
direct sum by rounding alone: of the same size in float32.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_G = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)


def transformed_filters(weight: Tensor) -> Tensor:
    """G g G^T of 3x3 filters (C', C, 3, 3), as 16 matrices (16, C, C')."""
    filters = torch.einsum('ik,jl,ockl->ijco', _G, _G, weight.double())
    return filters.flatten(0, 1).contiguous().to(weight)


def winograd(x: Tensor, filters: Tensor, bias: Tensor) -> Tensor:
    """The 3x3 convolution of x (B, C, H, W), padded by 1, H and W even: (B, C', H, W).

    Args:
        x: the map; read fastest with its channels last in memory, as the result is.
        filters: (16, C, C') from :func:`transformed_filters`.
        bias: (C').
    """
    batch, channels, height, width = x.shape
    rows, columns, outputs = height // 2, width // 2, len(bias)
    padded = F.pad(x.permute(2, 0, 3, 1), (0, 0, 1, 1, 0, 0, 1, 1))  # (H + 2, B, W + 2, C)
    tiles = x.new_empty(4, rows, batch, width + 2, channels)
    _tile_transform(padded, tiles)
    inputs = x.new_empty(4, 4, rows, batch, columns, channels)  # rows, columns of tiles
    _tile_transform(tiles.permute(3, 0, 1, 2, 4), inputs.permute(1, 4, 0, 2, 3, 5))
    sums = torch.bmm(inputs.view(16, -1, channels), filters)
    sums = sums.view(4, 4, rows, batch, columns, outputs)
    half = x.new_empty(2, 4, rows, batch, columns, outputs)
    _output_transform(sums, half)
    out = x.new_empty(batch, rows, 2, columns, 2, outputs)
    _output_transform(half.transpose(0, 1), out.permute(4, 2, 1, 0, 3, 5))
    return out.view(batch, height, width, outputs).add_(bias).permute(0, 3, 1, 2)


def _tile_transform(lines: Tensor, out: Tensor) -> None:
    """B^T d along the first axis: 2 n + 2 lines to n tiles, out (4, n, ...)."""
    even, odd = lines[0::2], lines[1::2]
    torch.sub(even[:-1], even[1:], out=out[0])
    torch.add(odd[:-1], even[1:], out=out[1])
    torch.sub(even[1:], odd[:-1], out=out[2])
    torch.sub(odd[:-1], odd[1:], out=out[3])


def _output_transform(sums: Tensor, out: Tensor) -> None:
    """A^T m along the first axis: 4 sums to 2 lines, out (2, ...)."""
    torch.add(sums[0], sums[1], out=out[0]).add_(sums[2])
    torch.sub(sums[1], sums[2], out=out[1]).sub_(sums[3])
