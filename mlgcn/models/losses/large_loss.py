"""Large loss matters: unknown labels are negatives until their loss says otherwise."""

import math

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce
from torch import Tensor

from mlgcn.registry import MODELS

from .base import MultiLabelLoss


@MODELS.register_module()
class LargeLoss(MultiLabelLoss):
    """LL-R, LL-Ct and LL-Cp (Kim et al., CVPR 2022, arXiv 2206.03740), a mean over B K.

    Cross entropy with unknown labels as negatives. From the second epoch on the k unknown labels
    of the batch with the largest losses are likely false negatives: 'R' drops them, 'Ct' takes them
    for positives, 'Cp' does so for good (but the k-th). k = ceil(B K delta e) in epoch e (from 0),
    for 'Cp' ceil(B K delta). With several processes the batch is that of one process.

    Args:
        scheme: 'R', 'Ct' or 'Cp'.
        delta: fraction of all labels; .001 to .005 in the paper.
        num_images, num_classes: of the training set, for 'Cp'.
        published: where k exceeds the number of unknown labels, the published code changes every
            label, known positives too; otherwise only unknown ones.
        **kwargs: see :class:`MultiLabelLoss`; 'mean' by default.
    """

    usual = 'mean'

    def __init__(
        self,
        scheme: str = 'R',
        delta: float = 0.002,
        num_images: int = 0,
        num_classes: int = 0,
        published: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if scheme not in ('R', 'Ct', 'Cp'):
            raise ValueError(f"scheme is {scheme!r}; expected 'R', 'Ct' or 'Cp'")
        if scheme == 'Cp' and not (num_images and num_classes):
            raise ValueError("scheme 'Cp' needs num_images and num_classes")
        self.scheme, self.delta, self.published = scheme, delta, published
        if scheme == 'Cp':
            self.num_images = num_images
            corrected = torch.zeros(num_images, num_classes, dtype=torch.uint8)
            self.register_buffer('corrected', corrected)
            self.register_buffer('seen_epoch', torch.zeros((), dtype=torch.long))

    def compute(self, logits: Tensor, target: Tensor, index: Tensor | None = None) -> Tensor:
        if self.scheme == 'Cp':
            if self.epoch != self.seen_epoch:
                all_reduce(self.corrected, 'max')  # an image may come to another process now
                self.seen_epoch.fill_(self.epoch)
            target = torch.where(self.corrected[index] > 0, 1.0, target)
        unknown, labels = target < 0, target.clamp(min=0)
        loss = F.binary_cross_entropy_with_logits(logits, labels, reduction='none')
        k = self.number(loss.numel(), int(unknown.sum()))
        if not k:
            return loss
        among = torch.where(unknown, loss, 0).detach()
        threshold = among.flatten().topk(k).values[-1]
        changed = among >= threshold
        if self.scheme == 'R':
            return torch.where(changed, 0, loss)
        if self.scheme == 'Cp' and self.training:
            self.corrected[index] |= (among > threshold).to(torch.uint8)
        flipped = F.binary_cross_entropy_with_logits(logits, 1 - labels, reduction='none')
        return torch.where(changed, flipped, loss)

    def number(self, labels: int, unknown: int) -> int:
        """k, of the `labels` of a batch."""
        clean = 1.0
        for _ in range(min(self.epoch, 1) if self.scheme == 'Cp' else self.epoch):
            clean -= self.delta  # repeated, as published: its rounding can raise k by one
        k = math.ceil(labels * (1 - clean))
        return k if self.published else min(k, unknown)
