"""CvT: a vision transformer whose queries, keys and values come from convolutions."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from timm.layers import Mlp, QuickGELU, trunc_normal_
from torch import Tensor, nn

from mlgcn.registry import MODELS

ARCHS = {  # widths, heads and blocks of the three stages
    '13': ((64, 192, 384), (1, 3, 6), (1, 2, 10)),
    '21': ((64, 192, 384), (1, 3, 6), (1, 4, 16)),
    'w24': ((192, 768, 1024), (3, 12, 16), (2, 2, 20)),
}
ACTS = {'quick_gelu': QuickGELU, 'gelu': nn.GELU}


class ConvProjection(nn.Sequential):
    """A depthwise 3x3 convolution and a batch norm."""

    def __init__(self, dim: int, stride: int):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, stride, padding=1, groups=dim, bias=False)
        self.bn = nn.BatchNorm2d(dim)

    def forward(self, x: Tensor, first: Tensor) -> Tensor:
        """From a map (B, C, H, W) and class tokens (B, 0 or 1, C) to tokens (B, N, C)."""
        return torch.cat([first, super().forward(x).flatten(2).transpose(1, 2)], dim=1)


class ConvAttention(nn.Module):
    """Self-attention of a map; keys and values have half its side."""

    def __init__(self, dim: int, num_heads: int):
        super().__init__()
        self.num_heads, self.scale = num_heads, dim**-0.5  # of the whole width, as published
        for name, stride in (('q', 1), ('k', 2), ('v', 2)):
            self.add_module(f'conv_proj_{name}', ConvProjection(dim, stride))
        for name in 'qkv':
            self.add_module(f'proj_{name}', nn.Linear(dim, dim))
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, grid: Sequence[int]) -> Tensor:
        """From tokens (B, N, C), the last H W of them a map, to the same."""
        first, patches = x.split([x.shape[1] - grid[0] * grid[1], grid[0] * grid[1]], dim=1)
        image = patches.transpose(1, 2).unflatten(2, grid)
        q, k, v = (
            getattr(self, f'proj_{name}')(getattr(self, f'conv_proj_{name}')(image, first))
            .unflatten(2, (self.num_heads, -1))
            .transpose(1, 2)
            for name in 'qkv'
        )
        heads = F.scaled_dot_product_attention(q, k, v, scale=self.scale)
        return self.proj(heads.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention and a feed-forward net, each after a norm and beside a residual."""

    def __init__(self, dim: int, num_heads: int, act: type[nn.Module]):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = ConvAttention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, 4 * dim, act_layer=act)

    def forward(self, x: Tensor, grid: Sequence[int]) -> Tensor:
        x = x + self.attn(self.norm1(x), grid)
        return x + self.mlp(self.norm2(x))


class ConvEmbed(nn.Module):
    """A strided convolution and a norm: a map (B, C, H, W) as fewer tokens (B, N, D)."""

    def __init__(self, channels: int, dim: int, size: int, stride: int):
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, size, stride, padding=stride // 2)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Sequence[int]]:
        x = self.proj(x)
        return self.norm(x.flatten(2).transpose(1, 2)), x.shape[2:]


class Stage(nn.Module):
    """Tokens of a map through blocks; the last stage has a class token, too."""

    def __init__(
        self, channels: int, dim: int, blocks: Sequence[Block], stride: int, cls_token: bool
    ):
        super().__init__()
        if cls_token:
            self.cls_token = nn.Parameter(trunc_normal_(torch.empty(1, 1, dim), std=0.02))
        self.patch_embed = ConvEmbed(channels, dim, 2 * stride - 1, stride)
        self.blocks = nn.ModuleList(blocks)
        self.has_cls_token = cls_token

    def forward(self, x: Tensor) -> tuple[Tensor, Sequence[int]]:
        x, grid = self.patch_embed(x)
        if self.has_cls_token:
            x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1)
        for block in self.blocks:
            x = block(x, grid)
        return x[:, -grid[0] * grid[1] :], grid


@MODELS.register_module()
class CvT(BaseModule):
    """CvT (Wu et al., ICCV 2021, arXiv 2103.15808), for Query2Label's CvT-w24 at 384.

    The map, at a 16th of the image's side, is that of the patch tokens after the final norm. Any
    image size. Names and shapes are those of Query2Label's file. No published outputs were at hand;
    with `act='gelu'` the function equals that of Hugging Face's `CvtModel`, which differs from the
    authors' code in this activation. There is no drop path.

    Args:
        arch: '13', '21' or 'w24'.
        act: 'quick_gelu', x sigmoid(1.702 x), or 'gelu'.

    Raises:
        ValueError: another arch or activation.
    """

    def __init__(self, arch: str = 'w24', act: str = 'quick_gelu', init_cfg: dict | None = None):
        super().__init__(init_cfg)
        if arch not in ARCHS or act not in ACTS:
            expected = f'one of {", ".join(ARCHS)} and one of {", ".join(ACTS)}'
            raise ValueError(f'CvT: expected {expected}, got arch {arch!r} and act {act!r}')
        channels = 3
        for i, (dim, heads, depth) in enumerate(zip(*ARCHS[arch])):
            blocks = [Block(dim, heads, ACTS[act]) for _ in range(depth)]
            stage = Stage(channels, dim, blocks, stride=2 if i else 4, cls_token=i == 2)
            self.add_module(f'stage{i}', stage)
            channels = dim
        self.norm = nn.LayerNorm(channels)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """From images (B, 3, H, W) to the last map (B, C, H/16, W/16)."""
        for stage in (self.stage0, self.stage1, self.stage2):
            tokens, grid = stage(x)
            x = tokens.transpose(1, 2).unflatten(2, grid)
        return (self.norm(tokens).transpose(1, 2).unflatten(2, grid),)
