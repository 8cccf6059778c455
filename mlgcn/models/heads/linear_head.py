"""The baseline of both papers: global pooling and one linear layer."""

from collections.abc import Sequence

from torch import Tensor, nn

from mlgcn.registry import MODELS

from .multilabel_head import MultiLabelHead

INIT = dict(type='Normal', layer='Linear', std=0.01)
POOLS = {'max': nn.AdaptiveMaxPool2d, 'avg': nn.AdaptiveAvgPool2d}


@MODELS.register_module()
class LinearHead(MultiLabelHead):
    """Global pooling of the last feature map, then a linear classifier.

    With ``pool='max'`` on ResNet-101 this is the baseline of ADD-GCN (Ye et al., ECCV 2020;
    79.7 mAP on COCO at 448). Upstream's ``MultiLabelLinearClsHead`` does the same for
    average pooling, but has no global max pooling and no ignored labels.

    Args:
        in_channels: C of the last feature map.
        pool: 'max' or 'avg'.
        hidden: width of a linear layer in between, without activation (ASL's OpenImages model).
        **kwargs: see :class:`MultiLabelHead`.
    """

    class_tensors = {r'fc\.(?:weight|bias)': (0,)}

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        pool: str = 'max',
        hidden: int | None = None,
        init_cfg: dict | None = INIT,
        **kwargs,
    ):
        super().__init__(num_classes, init_cfg=init_cfg, **kwargs)
        if pool not in POOLS:
            raise ValueError(f'LinearHead: pool must be one of {sorted(POOLS)}, got {pool!r}')
        self.pool = POOLS[pool](1)
        self.hidden = nn.Linear(in_channels, hidden) if hidden else None
        self.fc = nn.Linear(hidden or in_channels, num_classes)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """From stage maps, the last one (B, C, H, W), to logits (B, K)."""
        pooled = self.pool(feats[-1]).flatten(1)
        return self.fc(pooled if self.hidden is None else self.hidden(pooled))
