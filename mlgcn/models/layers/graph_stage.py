"""One stage of Pyramid ViG: downsampling, then graph blocks that share one table of positions."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from mlgcn.ops.relative_pos import SeparableTable, relative_position

from .grapher import GraphBlock
from .memory import checkpointed


class GraphStage(nn.Module):
    """Downsampling, then graph blocks on the map.

    Args:
        downsample: module before the blocks.
        blocks: keywords of every :class:`GraphBlock`; all have the same channels and reduction.
        grid: (H, W) that the table of relative positions is computed for.
        num_nodes: rows of that table before it is resized to the input; H * W, unless a map
            of the published model has an odd side.
        with_cp: recompute the blocks in the backward pass instead of keeping their activations.
    """

    def __init__(
        self,
        downsample: nn.Module,
        blocks: Sequence[dict],
        grid: tuple[int, int],
        num_nodes: int,
        with_cp: bool = False,
    ):
        super().__init__()
        self.downsample = downsample
        self.blocks = nn.ModuleList(GraphBlock(**block) for block in blocks)
        self.channels, self.reduction = blocks[0]['channels'], blocks[0]['reduction']
        self.grid, self.num_nodes, self.with_cp = grid, num_nodes, with_cp
        self._table = None, None  # key and value of the last table of relative positions

    def forward(self, x: Tensor) -> Tensor:
        """From the previous map (B, C', 2 H, 2 W) to this stage's (B, C, H, W)."""
        x = self.downsample(x)
        grid = x.shape[2:]
        table = self.relative_position(grid.numel(), self.num_keys(grid), x.device)
        for block in self.blocks:
            run = partial(checkpointed, block) if self.with_cp else block
            x, _ = run(x, relative_pos=table)
        return x

    def num_keys(self, grid: Sequence[int]) -> int:
        """M of a map of this (H, W): the whole r x r windows in it."""
        return (grid[0] // self.reduction) * (grid[1] // self.reduction)

    def relative_position(
        self, num_nodes: int, num_keys: int, device: torch.device
    ) -> Tensor | SeparableTable:
        """The table R for this many nodes and keys, shared by all blocks and kept for next time."""
        key = num_nodes, num_keys, device
        if self._table[0] == key:
            return self._table[1]
        size = num_nodes, num_keys
        table = relative_position(
            self.channels, self.grid, self.reduction, self.num_nodes, size, device
        )
        if not torch.compiler.is_compiling():  # a traced tensor is of no use outside its trace
            self._table = key, table
        return table
