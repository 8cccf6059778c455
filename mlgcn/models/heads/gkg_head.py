"""GKGNet's head: every label scores itself, plus a linear classifier of the whole image."""

from collections.abc import Sequence

import torch
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mlgcn.registry import MODELS

from .multilabel_head import MultiLabelHead

INIT = dict(type='Normal', layer='Linear', std=0.01)


@MODELS.register_module()
class GKGHead(MultiLabelHead):
    """Logit of class k = fc1's row k on label k + fc2's row k on the pooled image.

    Yao et al., "GKGNet", ECCV 2024. The published loss is a sum over the classes of
    binary cross entropy with labels smoothed by 0.1 plus 10 times asymmetric loss (gamma+ 0,
    gamma- 2, clip 0.05). Difficult labels (-1) count as present, as in the published code.

    Args:
        num_classes: K.
        in_channels: C of a label and of the pooled features.
        loss: `name -> loss config`; see :class:`MultiLabelHead`.
        **kwargs: see :class:`MultiLabelHead`.
    """

    class_tensors = {r'fc[12]\.(?:weight|bias)': (0,)}

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        init_cfg: dict | list | None = INIT,
        **kwargs,
    ):
        super().__init__(num_classes, init_cfg=init_cfg, **kwargs)
        self.fc1 = nn.Linear(in_channels, num_classes)
        self.fc2 = nn.Linear(in_channels, num_classes)

    def forward(self, feats: tuple[Tensor, Tensor]) -> Tensor:
        """From labels (B, K, C) and pooled features (B, C) to logits (B, K).

        The published head computes all K x K scores of fc1 and keeps the diagonal.
        """
        labels, pooled = feats
        own = torch.einsum('bkc,kc->bk', labels, self.fc1.weight) + self.fc1.bias
        return own + self.fc2(pooled)

    def targets(self, data_samples: Sequence[DataSample]) -> Tensor:
        """Ground truth (B, K) of 1 and 0: a difficult label (-1) counts as present."""
        return super().targets(data_samples).abs()
