"""Several stage maps as one: normalised, on one grid, their channels side by side."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mlgcn.registry import MODELS


@MODELS.register_module()
class JoinedMaps(BaseModule):
    """One map of the stages' channels for heads that read one, such as a frozen backbone's.

    Every map is normalised by BatchNorm without weights: maps of a backbone that is not trained
    differ in scale from stage to stage and from channel to channel, and heads learn at one rate.

    Args:
        in_channels: C_i of every stage map.
        grid: the map whose grid all get: larger ones are averaged over areas, smaller ones
            interpolated bilinearly. -1: the last one's.
        width: a 1x1 convolution to so many channels follows, for heads as wide as their map.
        pooled: give, before the map, what a linear classifier reads best: signed square roots of
            the maps' means (B, C, 1, 1), normalised over images (Perronnin et al., Improving the
            Fisher kernel, ECCV 2010: strong channels count less).
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        grid: int = -1,
        width: int | None = None,
        pooled: bool = False,
    ):
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(c, affine=False) for c in in_channels)
        self.grid = grid
        self.project = nn.Conv2d(sum(in_channels), width, 1) if width else nn.Identity()
        self.pooled_norm = nn.BatchNorm2d(sum(in_channels), affine=False) if pooled else None

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """From (B, C_i, H_i, W_i) of every stage to one map (B, width or the sum of C_i, H, W).

        With `pooled`, (B, sum of C_i, 1, 1) comes first.

        Raises:
            ValueError: another number of maps.
        """
        if len(maps) != len(self.norms):
            told = f'expected {len(self.norms)} maps (in_channels), got {len(maps)}'
            raise ValueError(f"JoinedMaps: {told}; set the backbone's out_indices")
        height, width = maps[self.grid].shape[2:]
        normed = [norm(x) for norm, x in zip(self.norms, maps)]
        joined = self.project(torch.cat([on_grid(x, height, width) for x in normed], dim=1))
        if self.pooled_norm is None:
            return (joined,)
        means = torch.cat([x.mean((2, 3), keepdim=True) for x in maps], dim=1)
        return self.pooled_norm(signed_root(means)), joined


def signed_root(x: Tensor, eps: float = 1e-3) -> Tensor:
    """About sign(x) sqrt(|x|); `eps` bounds the slope at 0, for a backbone that trains."""
    return x / (x.abs() + eps).sqrt()


def on_grid(x: Tensor, height: int, width: int) -> Tensor:
    """A map (B, C, h, w) as (B, C, height, width)."""
    if x.shape[2:] == (height, width):
        return x
    if x.shape[2] >= height and x.shape[3] >= width:
        return F.adaptive_avg_pool2d(x, (height, width))
    return F.interpolate(x, (height, width), mode='bilinear', align_corners=False)
