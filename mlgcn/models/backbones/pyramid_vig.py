"""Pyramid ViG, plain or with group KNN: GKGNet's backbone."""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import Tensor, nn

from mlgcn.models.layers.grapher import GraphStage
from mlgcn.ops.rows import channels_last
from mlgcn.registry import MODELS

# Channels and blocks of the four stages (Han et al., NeurIPS 2022).
ARCHS = {
    't': ((48, 96, 240, 384), (2, 2, 6, 2)),
    's': ((80, 160, 400, 640), (2, 2, 6, 2)),
    'm': ((96, 192, 384, 768), (2, 2, 16, 2)),
    'b': ((128, 256, 512, 1024), (2, 2, 18, 2)),
}
REDUCTIONS = (4, 2, 1, 1)  # the keys of a stage are means of r x r nodes
MAX_REACH = 49  # largest k * dilation: the keys of the last stage at 224
INIT = dict(type='Kaiming', layer='Conv2d', mode='fan_in')


@MODELS.register_module()
class PyramidViG(BaseBackbone):
    """Pyramid Vision GNN with group KNN, for images of any size.

    ``num_groups=1`` is Pyramid ViG (Han et al., "Vision GNN: An Image is Worth Graph of Nodes",
    NeurIPS 2022), ``num_groups=2`` the backbone of GKGNet (Yao et al., ECCV 2024, arXiv
    2308.14378). The learned position embedding and the tables of relative positions belong to
    ``img_size``; for images of another size both are resized bicubically. The tables are
    computed when they are first needed and are in no checkpoint.

    Args:
        arch: 't', 's', 'm' or 'b', or (channels, blocks) of the four stages.
        num_groups: G; it must divide the channels of every stage.
        k: neighbours of a node.
        img_size: side or (height, width) of the images that it is built for, in pixels.
        out_indices: stages, of 0 to 3, whose maps are returned.
        frozen_stages: freeze the stem, the position embedding and the first `frozen_stages`
            stages, with their BatchNorm statistics; 0 freezes no stage, -1 nothing at all.
        drop_path_rate: stochastic depth of the last block; it grows linearly from 0.
        with_cp: keep only the blocks' inputs for the backward pass and compute the rest again:
            less memory, more time, the same gradients and BatchNorm statistics.
    """

    def __init__(
        self,
        arch: str | tuple[Sequence[int], Sequence[int]] = 's',
        num_groups: int = 2,
        k: int = 9,
        img_size: int | tuple[int, int] = 576,
        out_indices: Sequence[int] = (3,),
        frozen_stages: int = -1,
        drop_path_rate: float = 0.0,
        with_cp: bool = False,
        init_cfg: dict | list | None = INIT,
    ):
        super().__init__(init_cfg)
        if isinstance(arch, str) and arch not in ARCHS:
            raise ValueError(f'PyramidViG: arch must be one of {sorted(ARCHS)}, got {arch!r}')
        channels, depths = ARCHS[arch] if isinstance(arch, str) else arch
        height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
        height, width = height // 4, width // 4

        self.out_indices = tuple(range(len(depths))[i] for i in out_indices)
        self.frozen_stages = frozen_stages
        self.stem = stem(channels[0])
        self.pos_embed = nn.Parameter(torch.zeros(1, channels[0], height, width))
        self.stages = nn.ModuleList()
        last = sum(depths) - 1
        for i, depth in enumerate(depths):
            first = sum(depths[:i])
            blocks = [
                dict(
                    channels=channels[i],
                    k=k,
                    # as published: one step farther every four blocks, wherever stages begin
                    dilation=max(min(b // 4 + 1, MAX_REACH // k), 1),
                    reduction=REDUCTIONS[i],
                    num_groups=num_groups,
                    drop_path=drop_path_rate * b / last,
                )
                for b in range(first, first + depth)
            ]
            downsample = conv3x3(channels[i - 1], channels[i]) if i else nn.Identity()
            grid, num_nodes = (height >> i, width >> i), height * width >> 2 * i
            self.stages.append(GraphStage(downsample, blocks, grid, num_nodes, with_cp))
        self._freeze()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """From images (B, 3, H, W) to the maps (B, C_i, H / 2^(i+2), W / 2^(i+2)) of out_indices.

        Raises:
            ValueError: the images are so small that a stage has fewer keys than k * dilation.
        """
        self._check_size(*x.shape[2:])
        x = self.stem(channels_last(x))
        x = x + resized(self.pos_embed, x.shape[2:])
        maps = []
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i in self.out_indices:
                maps.append(x)
        return tuple(maps)

    def train(self, mode: bool = True) -> 'PyramidViG':
        """Frozen stages stay in evaluation mode."""
        super().train(mode)
        self._freeze()
        return self

    def _freeze(self):
        if self.frozen_stages >= 0:
            self.pos_embed.requires_grad_(False)
            for module in (self.stem, *self.stages[: self.frozen_stages]):
                module.eval().requires_grad_(False)

    def _check_size(self, height: int, width: int):
        for i, keys, k, dilation in self._lacking(height, width):
            side = next(s for s in itertools.count(32) if not any(self._lacking(s, s)))
            seen = f'images of {height} x {width} pixels give stage {i} {keys} keys'
            needed = f'it needs k * dilation = {k} * {dilation} = {k * dilation}'
            raise ValueError(f'PyramidViG: {seen}, but {needed}; {side} x {side} pixels would do')

    def _lacking(self, height: int, width: int):
        """(stage, keys, k, dilation) of the blocks with too few keys in images of this size."""
        for i, stage in enumerate(self.stages):
            stride = 4 << i  # every convolution of stride 2 rounds up
            keys = stage.num_keys((-(-height // stride), -(-width // stride)))
            for block in stage.blocks:
                k, dilation = block.grapher.k, block.grapher.dilation
                if keys < k * dilation:
                    yield i, keys, k, dilation


def conv3x3(in_channels: int, out_channels: int, stride: int = 2) -> nn.Sequential:
    """3x3 convolution and BatchNorm; stride 2 halves the map, rounding up."""
    conv = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


def stem(channels: int) -> nn.Sequential:
    """From images (B, 3, H, W) to patches (B, C, H / 4, W / 4): three convolutions, two GELUs."""
    return nn.Sequential(
        *conv3x3(3, channels // 2),
        nn.GELU(),
        *conv3x3(channels // 2, channels),
        nn.GELU(),
        *conv3x3(channels, channels, stride=1),
    )


def resized(embedding: Tensor, size: Sequence[int]) -> Tensor:
    """The position embedding (1, C, H, W) resized bicubically to another (H, W)."""
    if embedding.shape[2:] == size:
        return embedding
    return F.interpolate(embedding, size=tuple(size), mode='bicubic', align_corners=False)
