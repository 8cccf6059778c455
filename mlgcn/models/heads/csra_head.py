"""CSRA as a head: average pooling plus class-specific residual attention."""

from collections.abc import Sequence

import torch
from mmpretrain.models.heads.multi_label_csra_head import CSRAClsHead, CSRAModule
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mlgcn.registry import MODELS

from .multilabel_head import MultiLabelHead

MAX_POOLING = 99  # upstream's flag for an infinite temperature


@MODELS.register_module()
class CSRAHead(MultiLabelHead):
    """Class-Specific Residual Attention (Zhu and Wu, ICCV 2021, arXiv 2108.02456) on any map.

    Every branch scores all positions with classifiers of unit length; a class's logit is the mean
    score plus `lam` times the scores' average under a softmax with the branch's temperature (the
    maximum for the last branch of several). The branches are summed. The branches are upstream's;
    its own head lacks ignored labels and raw logits.

    Args:
        num_classes: K.
        in_channels: C of the backbone's last map.
        num_heads: branches: 1, 2, 4, 6 or 8; their temperatures follow from the number.
        lam: weight of the attention part. Published: 0.1 (VOC), 0.3 (WIDER), 0.4 or 0.5 (COCO).
        mean_over_classes: the published loss is the mean over classes and batch.
        **kwargs: see :class:`MultiLabelHead`.

    Raises:
        ValueError: another number of branches.
    """

    class_tensors = {r'csra_heads\.\d+\.head\.weight': (0,)}

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        num_heads: int = 1,
        lam: float = 0.1,
        mean_over_classes: bool = True,
        **kwargs,
    ):
        super().__init__(num_classes, mean_over_classes=mean_over_classes, **kwargs)
        temperatures = CSRAClsHead.temperature_settings
        if num_heads not in temperatures:
            known = ', '.join(map(str, temperatures))
            raise ValueError(f'CSRAHead: num_heads must be one of {known}, got {num_heads}')
        self.csra_heads = nn.ModuleList(
            CSRAModule(num_classes, in_channels, t, lam) for t in temperatures[num_heads]
        )

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """From stage maps, the last one (B, C, H, W), to logits (B, K)."""
        return sum(head(feats[-1]) for head in self.csra_heads)

    @torch.no_grad()
    def explain(self, feats: Sequence[Tensor]) -> dict[str, Tensor]:
        """Where each class looks: `attention` (B, K, H, W), the branches' mean; sums to 1.

        The branch that takes the maximum puts all its attention on one position.
        """
        x = feats[-1]
        found = 0
        for head in self.csra_heads:
            weight = head.head.weight / head.head.weight.norm(dim=1, keepdim=True)
            scores = nn.functional.conv2d(x, weight).flatten(2)
            if head.T == MAX_POOLING:
                one = nn.functional.one_hot(scores.argmax(dim=2), scores.shape[2])
                found = found + one.to(scores)
            else:
                found = found + (head.T * scores).softmax(dim=2)
        return dict(attention=(found / len(self.csra_heads)).unflatten(2, x.shape[2:]))


@MODELS.register_module()
class ProbedCSRAHead(CSRAHead):
    """CSRA and a linear classifier of pooled maps: two readers, the mean of their logits.

    Each has a loss of its own, as if trained alone; the losses are added. Reads
    ``JoinedMaps(pooled=True)``.

    Args:
        num_classes, in_channels, **kwargs: see :class:`CSRAHead`; both readers have `in_channels`.
    """

    class_tensors = CSRAHead.class_tensors | {r'probe\.(?:weight|bias)': (0,)}

    def __init__(self, num_classes: int, in_channels: int, **kwargs):
        super().__init__(num_classes, in_channels, **kwargs)
        self.probe = nn.Linear(in_channels, num_classes)
        nn.init.normal_(self.probe.weight, std=0.01)
        nn.init.zeros_(self.probe.bias)

    def readers(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits (B, K) of the classifier and of CSRA, from (B, C, 1, 1) and (B, C, H, W).

        Raises:
            ValueError: another number of maps.
        """
        if len(feats) != 2:
            expected = 'expected pooled and joined ones: model.neck.pooled=True of mlgcn.JoinedMaps'
            raise ValueError(f'ProbedCSRAHead got {len(feats)} feature maps; {expected}')
        pooled, joined = feats
        return self.probe(pooled.flatten(1)), super().forward([joined])

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """From the pooled maps (B, C, 1, 1) and the map (B, C, H, W) to logits (B, K)."""
        return sum(self.readers(feats)) / 2

    def loss(self, feats: Sequence[Tensor], data_samples: Sequence[DataSample], **kwargs) -> dict:
        """Every named loss, the sum of both readers'."""
        first, second = (self._get_loss(x, data_samples, **kwargs) for x in self.readers(feats))
        return {name: first[name] + second[name] for name in first}
