"""ADD-GCN as a head: class-wise attention, then a dynamic graph over the labels."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mlgcn.models.layers.dynamic_gcn import DynamicGCN
from mlgcn.registry import MODELS

from .multilabel_head import MultiLabelHead


@MODELS.register_module()
class ADDGCNHead(MultiLabelHead):
    """Attention-Driven Dynamic GCN (Ye et al., ECCV 2020, arXiv 2012.02994) on any feature map.

    1. Semantic attention: a 1x1 convolution gives one activation map per class; its sigmoid
       weighs where that class's node gathers features ("SAM").
    2. Dynamic GCN: the nodes exchange information over a static and a per-image graph ("D-GCN").
    3. Logit = mean of the class map's maximum and the node's own linear score.

    In training each process needs at least two images (the global BatchNorm).

    Args:
        num_classes: K.
        in_channels: C_in of the backbone's last map (2048 for ResNet-50 and deeper).
        node_channels: C of a label node.
        mean_over_classes: the published loss is ``nn.MultiLabelSoftMarginLoss``: the mean over
            classes.
        **kwargs: see :class:`MultiLabelHead`.
    """

    class_tensors = {
        r'fc\.weight': (0,),
        r'gcn\.static_adj\.weight': (0, 1),
        r'gcn\.conv_create_co_mat\.(?:weight|bias)': (0,),
        r'last_linear\.(?:weight|bias)': (0,),
    }

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        node_channels: int = 1024,
        mean_over_classes: bool = True,
        **kwargs,
    ):
        super().__init__(num_classes, mean_over_classes=mean_over_classes, **kwargs)
        self.fc = nn.Conv2d(in_channels, num_classes, 1, bias=False)
        self.conv_transform = nn.Conv2d(in_channels, node_channels, 1)
        self.gcn = DynamicGCN(num_classes, node_channels)
        self.last_linear = nn.Conv1d(node_channels, num_classes, 1)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """From stage maps, the last one (B, C_in, H, W), to logits (B, K)."""
        activation = self.fc(feats[-1])  # (B, K, H, W)
        map_score = activation.flatten(2).max(dim=2).values
        nodes = self.label_nodes(feats[-1], activation)
        updated, _ = self.gcn(nodes)
        return (map_score + self.node_score(nodes + updated)) / 2

    def label_nodes(self, feature: Tensor, activation: Tensor) -> Tensor:
        """One node per class, (B, C, K): the features under that class's attention."""
        attention = torch.sigmoid(activation).flatten(2).transpose(1, 2)  # (B, HW, K)
        return self.conv_transform(feature).flatten(2) @ attention

    def node_score(self, nodes: Tensor) -> Tensor:
        """Score (B, K) of nodes (B, C, K): node k meets class k's classifier only.

        The published model computes all K x K pairs and keeps the diagonal.
        """
        weight = self.last_linear.weight.squeeze(2)  # (K, C)
        return torch.einsum('bck,kc->bk', nodes, weight) + self.last_linear.bias

    @torch.no_grad()
    def explain(self, feats: Sequence[Tensor]) -> dict[str, Tensor]:
        """What the paper's figures show: ``attention`` (B, K, H, W) and ``adjacency`` (B, K, K).

        Both are in (0, 1); ``adjacency[:, i, j]`` weighs what label j receives from label i. So
        does ``static`` (B, K, K), of any sign and the same for every image.
        """
        activation = self.fc(feats[-1])
        _, adjacency = self.gcn(self.label_nodes(feats[-1], activation))
        # transposed: the rows of the convolution are the receivers
        static = self.gcn.static_adj.weight[:, :, 0].T.expand_as(adjacency)
        return dict(attention=torch.sigmoid(activation), adjacency=adjacency, static=static)
