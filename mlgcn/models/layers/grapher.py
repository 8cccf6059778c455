"""GKGNet's graph convolution and FFN, in blocks, and the stages of Pyramid ViG made of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn

from mlgcn.ops.graph import max_relative
from mlgcn.ops.knn import group_knn
from mlgcn.ops.relative_pos import Offset, SeparableTable, relative_position
from mlgcn.ops.rows import interleaved, pointwise

from .memory import checkpointed, gelu_between


class Pointwise1d(nn.Conv1d):
    """1x1 convolution of nodes (B, C, N), as a product of matrices."""

    def forward(self, x: Tensor) -> Tensor:
        return pointwise(x, self.weight, self.bias, self.groups)


class Pointwise2d(nn.Conv2d):
    """1x1 convolution of a map (B, C, H, W), as a product of matrices."""

    def forward(self, x: Tensor) -> Tensor:
        return pointwise(x, self.weight, self.bias, self.groups)


LAYERS = {1: (Pointwise1d, nn.BatchNorm1d), 2: (Pointwise2d, nn.BatchNorm2d)}


def conv_norm(in_channels: int, out_channels: int, dim: int, groups: int = 1) -> nn.Sequential:
    """1x1 convolution and BatchNorm over maps (B, C, H, W) if dim is 2, nodes (B, C, N) if 1.

    Nodes are kept 1-d because torch's BatchNorm2d on a CPU gives wrong gradients for
    (B, C, N, 1) inputs whose gradient arrives transposed (2.13 to 2.15).
    """
    conv, norm = LAYERS[dim]
    return nn.Sequential(conv(in_channels, out_channels, 1, groups=groups), norm(out_channels))


class Grapher(nn.Module):
    """Dynamic graph convolution with group KNN and max-relative aggregation.

    Yao et al., "GKGNet", ECCV 2024; one group is the grapher of Han et al.,
    "Vision GNN", NeurIPS 2022.

    Args:
        channels: C.
        k: neighbours of a node.
        dilation: every dilation-th of the k * dilation nearest keys becomes a neighbour.
        reduction: r; without keys, the candidates are means of r x r nodes.
        num_groups: G groups of C / G consecutive channels find their own neighbours.
        drop_path: rate of stochastic depth.
        dim: 2 for nodes on a map (B, C, H, W), 1 for a set of nodes (B, C, N).
        search: finds the neighbours; called and answering like :func:`mlgcn.ops.group_knn`.
        aggregate: takes from the neighbours; like :func:`mlgcn.ops.max_relative`.
    """

    def __init__(
        self,
        channels: int,
        k: int = 9,
        dilation: int = 1,
        reduction: int = 1,
        num_groups: int = 1,
        drop_path: float = 0.0,
        dim: int = 2,
        search: Callable[..., Tensor] = group_knn,
        aggregate: Callable[[Tensor, Tensor, Tensor], Tensor] = max_relative,
    ):
        super().__init__()
        if channels % num_groups:
            told = f'num_groups = {num_groups} does not divide channels = {channels}'
            raise ValueError(f'Grapher: {told}')
        self.k, self.dilation, self.reduction, self.num_groups = k, dilation, reduction, num_groups
        self.search, self.aggregate = search, aggregate
        self.fc1 = conv_norm(channels, channels, dim)
        # always 4 groups, whatever num_groups is, as in both published models
        self.graph_conv = conv_norm(2 * channels, 2 * channels, dim, groups=4)
        self.fc2 = conv_norm(2 * channels, channels, dim)
        self.drop_path = DropPath(drop_path)

    def forward(
        self, x: Tensor, keys: Tensor | None = None, relative_pos: Offset = None
    ) -> tuple[Tensor, Tensor]:
        """New nodes, shaped like x, and the neighbours of each (B, G, N, k).

        Args:
            x: nodes (B, C, H, W) or (B, C, N).
            keys: candidates (B, C, ...), M of them; means of the nodes themselves if None.
            relative_pos: (N, M), added to the distances.
        """
        nodes = self.fc1(x)
        if keys is None:
            keys = F.avg_pool2d(nodes, self.reduction) if self.reduction > 1 else nodes
        edges = self.search(nodes, keys, self.k, self.dilation, self.num_groups, relative_pos)
        relative = self.aggregate(nodes, keys, edges)
        mixed = interleaved(nodes, relative)
        return x + self.drop_path(gelu_between(self.graph_conv, self.fc2, mixed)), edges


class FFN(nn.Module):
    """Two 1x1 convolutions, 4 C channels between them, and a shortcut; see :class:`Grapher`."""

    def __init__(self, channels: int, drop_path: float = 0.0, dim: int = 2):
        super().__init__()
        self.fc1 = conv_norm(channels, 4 * channels, dim)
        self.fc2 = conv_norm(4 * channels, channels, dim)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """From nodes (B, C, ...) to new nodes (B, C, ...)."""
        return x + self.drop_path(gelu_between(self.fc1, self.fc2, x))


class GraphBlock(nn.Module):
    """A grapher and an FFN. For the arguments see :class:`Grapher`."""

    def __init__(self, channels: int, drop_path: float = 0.0, dim: int = 2, **kwargs):
        super().__init__()
        self.grapher = Grapher(channels, drop_path=drop_path, dim=dim, **kwargs)
        self.ffn = FFN(channels, drop_path, dim)

    def forward(
        self, x: Tensor, keys: Tensor | None = None, relative_pos: Offset = None
    ) -> tuple[Tensor, Tensor]:
        """New nodes, shaped like x (B, C, ...), and edges; as :meth:`Grapher.forward`."""
        x, edges = self.grapher(x, keys, relative_pos)
        return self.ffn(x), edges


@contextmanager
def graph_operators(model: nn.Module, **operators: Callable) -> Iterator[None]:
    """Inside, all graphers of the model use this `search=...`, this `aggregate=...`, or both."""
    graphers = [module for module in model.modules() if isinstance(module, Grapher)]
    before = [{name: getattr(grapher, name) for name in operators} for grapher in graphers]
    for grapher in graphers:
        vars(grapher).update(operators)
    try:
        yield
    finally:
        for grapher, usual in zip(graphers, before):
            vars(grapher).update(usual)


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
        built = self.channels, self.grid, self.reduction, self.num_nodes
        table = relative_position(*built, size=(num_nodes, num_keys), device=device)
        if not torch.compiler.is_compiling():  # a traced tensor is of no use outside its trace
            self._table = key, table
        return table
