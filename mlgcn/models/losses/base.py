"""The base of losses that know unknown labels; binary cross entropy, which does not."""

import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub
from torch import Tensor, nn

from mlgcn.registry import MODELS


class MultiLabelLoss(nn.Module):
    """A loss of logits (B, K) and targets (B, K) of 1 present, 0 absent, -1 unknown.

    Heads give it the unknown labels and take its scalar as it is; subclasses write `compute`, which
    gives values (B, K), 0 where a label does not count, or a scalar that is reduced already.

    Args:
        reduction: 'sum' over batch and classes, 'mean' over both, or 'batchmean' (sum / B); None:
            `usual`, as the loss was published.
        loss_weight: factor of the loss.
    """

    class_tensors = {'.*': None}  # tables of training images are no weights; see MultiLabelHead
    usual = 'sum'
    num_images = 0  # of losses with a state per training image: `compute` also gets their index

    def __init__(self, reduction: str | None = None, loss_weight: float = 1.0):
        super().__init__()
        reduction = reduction or self.usual
        if reduction not in ('sum', 'mean', 'batchmean'):
            raise ValueError(f"reduction is {reduction!r}; expected 'sum', 'mean' or 'batchmean'")
        self.reduction, self.loss_weight = reduction, loss_weight

    def forward(self, logits: Tensor, target: Tensor, index: Tensor | None = None) -> Tensor:
        """The loss in float32, or float64 where the logits are: half precision would overflow."""
        logits = logits if logits.dtype == torch.float64 else logits.float()
        if not torch.isin(target, target.new_tensor([1, 0, -1])).all():
            seen = target.unique().tolist()[:5]
            raise ValueError(f'{type(self).__name__}: targets must be 1, 0 or -1; got {seen}')
        if self.num_images and (index is None or int(index.max()) >= self.num_images):
            seen = 'none' if index is None else int(index.max())
            told = f'sample_idx (in meta_keys of PackInputs) below num_images={self.num_images}'
            raise ValueError(f'{type(self).__name__}: expected {told}, got {seen}')
        loss = self.compute(logits, target.to(logits), *((index,) if self.num_images else ()))
        if loss.ndim:
            divisor = {'sum': 1, 'mean': loss.numel(), 'batchmean': len(loss)}[self.reduction]
            loss = loss.sum() / divisor
        return self.loss_weight * loss

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        raise NotImplementedError

    @property
    def epoch(self) -> int:
        """The running epoch, from 0; 0 outside of a training."""
        return MessageHub.get_current_instance().get_info('epoch', 0)


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
