"""Binary cross entropy on logits, with label smoothing."""

import torch.nn.functional as F
from torch import Tensor, nn

from mlgcn.registry import MODELS


@MODELS.register_module()
class BinaryCrossEntropy(nn.Module):
    """``-y log p - (1 - y) log(1 - p)`` with p = sigmoid(logit) and y in {smooth, 1 - smooth}.

    Upstream's ``CrossEntropyLoss(use_sigmoid=True)`` and ``LabelSmoothLoss(mode='multi_label')``
    turn the labels into float32 (so a float64 model gets float32 gradients, which the parity
    tests see), and the latter takes the (B, 1) labels of a one-class task for class indices.

    Args:
        label_smoothing: 0 for none; 0.1 turns targets 1 / 0 into 0.9 / 0.1 (GKGNet).
        loss_weight: factor of the loss.
    """

    def __init__(self, label_smoothing: float = 0.0, loss_weight: float = 1.0):
        super().__init__()
        if not 0 <= label_smoothing < 0.5:
            raise ValueError(f'label_smoothing must be in [0, 0.5), got {label_smoothing}')
        self.label_smoothing = label_smoothing
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, target: Tensor, reduction_override: str = 'mean') -> Tensor:
        """Loss (B, K) for 'none', else a scalar, of logits (B, K) and targets (B, K) of 0, 1."""
        target = target.to(logits) * (1 - 2 * self.label_smoothing) + self.label_smoothing
        return self.loss_weight * F.binary_cross_entropy_with_logits(
            logits, target, reduction=reduction_override
        )
