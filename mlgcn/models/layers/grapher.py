"""The building block of GKGNet's two branches: a dynamic graph convolution, then an FFN."""

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn

from mlgcn.ops.graph import max_relative
from mlgcn.ops.knn import group_knn
from mlgcn.ops.relative_pos import SeparableTable

PLAIN_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
STRIP = 2**20  # hidden numbers of an FFN at a time in inference: they stay in a CPU's cache
LAYERS = {1: (nn.Conv1d, nn.BatchNorm1d), 2: (nn.Conv2d, nn.BatchNorm2d)}


def conv_norm(in_channels: int, out_channels: int, dim: int, groups: int = 1) -> nn.Sequential:
    """1x1 convolution and BatchNorm over maps (B, C, H, W) if dim is 2, nodes (B, C, N) if 1.

    Nodes are kept 1-d because torch's BatchNorm2d on a CPU gives wrong gradients for
    (B, C, N, 1) inputs whose gradient arrives transposed (2.13 to 2.15).
    """
    conv, norm = LAYERS[dim]
    return nn.Sequential(conv(in_channels, out_channels, 1, groups=groups), norm(out_channels))


def norm_gelu_then(norm: nn.Module, module: nn.Module, x: Tensor, keep: bool = False) -> Tensor:
    """module(gelu(norm(x))), with less memory and the same bits.

    In training only x is kept for the backward pass, which computes norm(x) and gelu(norm(x))
    again, unless `keep`: hooks on saved tensors do not nest, so torch's checkpointing needs it.
    In inference gelu(norm(x)) takes the place of norm(x).
    """
    if not torch.is_grad_enabled() and not torch.compiler.is_compiling():
        return module(torch.ops.aten.gelu_(norm(x)))
    if keep or torch.compiler.is_compiling() or not isinstance(norm, PLAIN_NORMS):
        return module(F.gelu(norm(x)))
    places: dict[tuple[int, torch.Size], str] = {}
    again: dict[str, Tensor] = {}

    def save(tensor: Tensor) -> Tensor | str:
        return places.get((tensor.data_ptr(), tensor.shape), tensor)

    def restore(saved: Tensor | str) -> Tensor:
        if isinstance(saved, Tensor):
            return saved
        if saved not in again:
            frozen = not norm.training
            stats = (norm.running_mean, norm.running_var) if frozen else (None, None)
            again['norm'] = F.batch_norm(x, *stats, norm.weight, norm.bias, not frozen, 0, norm.eps)
            again['gelu'] = F.gelu(again['norm'])
        return again.pop(saved)

    normed = norm(x)
    places[normed.data_ptr(), normed.shape] = 'norm'
    with torch.autograd.graph.saved_tensors_hooks(save, restore):
        y = F.gelu(normed)
        places[y.data_ptr(), y.shape] = 'gelu'
        return module(y)


class Grapher(nn.Module):
    """Dynamic graph convolution with group KNN and max-relative aggregation.

    Yao et al., "GKGNet", ECCV 2024; one group is the grapher of Han et al.,
    "Vision GNN", NeurIPS 2022.

    Args:
        channels: C.
        k: neighbours of a node.
        dilation: every dilation-th of the k * dilation nearest keys becomes a neighbour.
        reduction: r; a map's nodes find their neighbours among r x r means of the nodes.
        num_groups: G groups of C / G consecutive channels find their own neighbours.
        drop_path: rate of stochastic depth.
        dim: 2 for nodes on a map (B, C, H, W), 1 for a set of nodes (B, C, N).
        keep_hidden: see :func:`norm_gelu_then`.
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
        keep_hidden: bool = False,
    ):
        super().__init__()
        if channels % num_groups:
            raise ValueError(
                f'Grapher: num_groups = {num_groups} does not divide channels = {channels}'
            )
        self.k, self.dilation, self.reduction, self.num_groups = k, dilation, reduction, num_groups
        self.keep_hidden = keep_hidden
        self.fc1 = conv_norm(channels, channels, dim)
        self.graph_conv = conv_norm(2 * channels, 2 * channels, dim, groups=4)
        self.fc2 = conv_norm(2 * channels, channels, dim)
        self.drop_path = DropPath(drop_path)

    def forward(
        self,
        x: Tensor,
        keys: Tensor | None = None,
        relative_pos: Tensor | SeparableTable | None = None,
    ) -> tuple[Tensor, Tensor]:
        """New nodes, shaped like x, and the neighbours of each (B, G, N, k).

        Args:
            x: nodes (B, C, H, W) or (B, C, N).
            keys: where to look for neighbours (B, C, ...), M places; the nodes' own map if None.
            relative_pos: (N, M), added to the distances.
        """
        nodes = self.fc1(x)
        if keys is None:
            keys = F.avg_pool2d(nodes, self.reduction) if self.reduction > 1 else nodes
        edges = group_knn(nodes, keys, self.k, self.dilation, self.num_groups, relative_pos)
        relative = max_relative(nodes, keys, edges)
        mixed = torch.stack([nodes, relative], dim=2).flatten(1, 2)  # x_0, m_0, x_1, m_1, ...
        conv, norm = self.graph_conv
        new = norm_gelu_then(norm, self.fc2, conv(mixed), self.keep_hidden)
        return x + self.drop_path(new), edges


class FFN(nn.Module):
    """Two 1x1 convolutions with 4 C channels between, and a shortcut: (B, C, ...) -> same."""

    def __init__(
        self, channels: int, drop_path: float = 0.0, dim: int = 2, keep_hidden: bool = False
    ):
        super().__init__()
        self.keep_hidden = keep_hidden
        self.fc1 = conv_norm(channels, 4 * channels, dim)
        self.fc2 = conv_norm(4 * channels, channels, dim)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """New nodes; in inference on a CPU a large map goes through in strips of rows."""
        hidden = 4 * x.numel()
        unbound = self.training or torch.is_grad_enabled() or torch.compiler.is_compiling()
        if unbound or x.device.type != 'cpu' or hidden < 4 * STRIP:
            return self._whole(x)
        rows = max(x.shape[2] * STRIP // hidden, 1)
        return torch.cat([self._whole(strip.contiguous()) for strip in x.split(rows, 2)], 2)

    def _whole(self, x: Tensor) -> Tensor:
        conv, norm = self.fc1
        return x + self.drop_path(norm_gelu_then(norm, self.fc2, conv(x), self.keep_hidden))


class GraphBlock(nn.Module):
    """A grapher and an FFN. For the arguments see :class:`Grapher`."""

    def __init__(
        self,
        channels: int,
        drop_path: float = 0.0,
        dim: int = 2,
        keep_hidden: bool = False,
        **kwargs,
    ):
        super().__init__()
        both = dict(drop_path=drop_path, dim=dim, keep_hidden=keep_hidden)
        self.grapher = Grapher(channels, **both, **kwargs)
        self.ffn = FFN(channels, **both)

    def forward(
        self,
        x: Tensor,
        keys: Tensor | None = None,
        relative_pos: Tensor | SeparableTable | None = None,
    ) -> tuple[Tensor, Tensor]:
        """As :meth:`Grapher.forward`."""
        x, edges = self.grapher(x, keys, relative_pos)
        return self.ffn(x), edges
