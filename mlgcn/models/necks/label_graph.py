"""The label branch of GKGNet: a graph from the labels to their nearest patches in every stage."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mlgcn.models.layers.grapher import GraphBlock, conv_norm
from mlgcn.registry import MODELS

INIT = dict(type='Kaiming', layer='Conv1d', mode='fan_in')


@MODELS.register_module()
class LabelGraphNeck(BaseModule):
    """Label embeddings that gather features from their nearest patches, stage by stage.

    Yao et al., "GKGNet", ECCV 2024. Works on the stage maps of any backbone, since
    the labels never feed back into the patches.

    Args:
        in_channels: C_i of every stage map; the labels of a stage have as many channels.
        num_classes: K. Left out of a config, the tools fill it in from the data set.
        k: neighbours (patches) of a label, in every group of channels.
        num_groups: G; it must divide every C_i.
        num_gcn: graph blocks in the last stage; the others have one.
        widths: 1x1 convolutions with BatchNorm bring the maps to so many channels first (a frozen
            backbone's are too many, and differ in scale); None: the maps as they are.
        drop_path_rates: stochastic depth in each stage; none if not given. GKGNet uses the rate
            of the backbone's first block in the stage.
    """

    class_tensors = {r'labels\.weight': (0,)}  # see MultiLabelHead

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        k: int = 9,
        num_groups: int = 2,
        num_gcn: int = 1,
        drop_path_rates: Sequence[float] | None = None,
        widths: Sequence[int] | None = None,
        init_cfg: dict | list | None = INIT,
    ):
        super().__init__(init_cfg)
        rates = drop_path_rates or [0.0] * len(in_channels)
        if len(rates) != len(in_channels):
            told = f'{len(in_channels)} in_channels need as many drop_path_rates'
            raise ValueError(f'LabelGraphNeck: {told}, got {len(rates)}')
        self.in_channels, self.k = tuple(in_channels), k
        self.project = None
        if widths is not None:
            self.project = nn.ModuleList(
                nn.Sequential(nn.BatchNorm2d(c), conv_norm(c, width, 2))
                for c, width in zip(in_channels, widths, strict=True)
            )
            in_channels = widths
        self.labels = nn.Embedding(num_classes, in_channels[0])
        self.stages = nn.ModuleList()
        last = len(in_channels) - 1
        for i, channels in enumerate(in_channels):
            depth = num_gcn if i == last else 1
            blocks = [
                GraphBlock(channels, rates[i], dim=1, k=k, num_groups=num_groups)
                for _ in range(depth)
            ]
            project = nn.Identity() if i == last else nn.Linear(channels, in_channels[i + 1])
            self.stages.append(LabelStage(blocks, project))

    def forward(
        self, maps: Sequence[Tensor], return_edges: bool = False
    ) -> tuple[Tensor, Tensor] | tuple[Tensor, Tensor, list[Tensor]]:
        """Labels (B, K, C) and the mean of the last map (B, C), where C is the last map's.

        Args:
            maps: (B, C_i, H_i, W_i) of every stage.
            return_edges: also return which patches each label chose: for every stage (B, G, K, k)
                indices h * W_i + w into its map, nearest first (of the stage's last block).

        Raises:
            ValueError: maps of other channels than in_channels, or with fewer than k patches.
        """
        self._check(maps)
        if self.project is not None:
            maps = [project(m) for project, m in zip(self.project, maps)]
        labels = self.labels.weight.expand(maps[0].shape[0], -1, -1)
        edges = []
        for stage, patches in zip(self.stages, maps):
            labels, chosen = stage(labels, patches)
            if return_edges:
                edges.append(chosen)
        pooled = maps[-1].mean(dim=(2, 3))
        return (labels, pooled, edges) if return_edges else (labels, pooled)

    def _check(self, maps: Sequence[Tensor]):
        shapes = [tuple(m.shape[1:]) for m in maps]
        if [s[:-2] for s in shapes] != [(c,) for c in self.in_channels]:
            told = f'expected a map (C, H, W) for each of in_channels={self.in_channels}'
            advice = "set the backbone's out_indices"
            raise ValueError(f'LabelGraphNeck: {told}, got {shapes}; {advice}')
        for i, (_, height, width) in enumerate(shapes):
            if height * width < self.k:
                told = f'map {i} of {height} x {width} patches has fewer than k = {self.k}'
                raise ValueError(f'LabelGraphNeck: {told}; use larger images or a smaller k')


class LabelStage(nn.Module):
    """Graph blocks from labels to the patches of one map, then the width of the next map."""

    def __init__(self, blocks: Sequence[GraphBlock], project: nn.Module):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.project = project

    def forward(self, labels: Tensor, patches: Tensor) -> tuple[Tensor, Tensor]:
        """From labels (B, K, C) and patches (B, C, H, W) to labels (B, K, C') and edges."""
        labels = labels.transpose(1, 2)
        for block in self.blocks:
            labels, edges = block(labels, patches)
        return self.project(labels.transpose(1, 2)), edges
