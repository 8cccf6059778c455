"""The sine table of positions that Query2Label adds to its feature map."""

import math

import torch
from torch import Tensor


def sine_table(height: int, width: int, channels: int) -> Tensor:
    """Positions of an H x W map, row by row, as (N, C) in float64.

    DETR's table (arXiv 2005.12872) with rows and columns scaled to (0, 2 pi]: the first C/2
    channels from the row, the rest from the column; even channels are sines, odd ones cosines, of
    angles that fall from the coordinate itself to a ten-thousandth of it. It is computed for the
    map at hand: published files hold one size in float32, which differs by up to 6e-7.

    Raises:
        ValueError: C is not a multiple of 4.
    """
    if channels % 4:
        raise ValueError(f'the table of positions needs a multiple of 4 channels, got {channels}')
    half = channels // 2
    octave = torch.arange(half, dtype=torch.float64) // 2 * 2 / half
    parts = []
    for size in (height, width):
        place = torch.arange(1, size + 1, dtype=torch.float64) / (size + 1e-6) * 2 * math.pi
        angle = place[:, None] / 10000**octave
        parts.append(torch.stack([angle[:, ::2].sin(), angle[:, 1::2].cos()], dim=2).flatten(1))
    rows = parts[0][:, None].expand(-1, width, -1)
    columns = parts[1][None].expand(height, -1, -1)
    return torch.cat([rows, columns], dim=2).flatten(0, 1)
