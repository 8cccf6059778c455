"""Losses for images of which a few positives are known.

From Cole et al., CVPR 2021 (arXiv 2106.09708) and Zhou et al., ECCV 2022 (arXiv 2203.16219).
Unknown labels are -1. All are means over batch and classes. Logarithms are -log(p + eps) with the
published `eps` of 1e-5: values depend on it, and a positive below p = 1e-5 loses its gradient.
With `eps=None` they are taken from the logits, and no gradient is lost.
"""

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce
from torch import Tensor, nn

from mlgcn.registry import MODELS

from .base import MultiLabelLoss


class MeanLoss(MultiLabelLoss):
    usual = 'mean'

    def __init__(self, eps: float | None = 1e-5, **kwargs):
        super().__init__(**kwargs)
        self.eps = eps

    def neg_log(self, logits: Tensor) -> Tensor:
        """Of the probabilities of the logits."""
        if self.eps is None:
            return -F.logsigmoid(logits)
        return -torch.log(torch.sigmoid(logits) + self.eps)

    def cross_entropy(self, logits: Tensor, target: Tensor) -> Tensor:
        """For labels in [0, 1]."""
        return target * self.neg_log(logits) + (1 - target) * self.neg_log(-logits)


@MODELS.register_module()
class AssumeNegativeLoss(MeanLoss):
    """Unknown labels are negatives: AN; AN-LS with `label_smoothing` 0.1; WAN with `weak`.

    Args:
        label_smoothing: labels are 1 - this and this.
        weak: unknown negatives weigh 1 / (K - 1).
        ignore: unknown labels cost nothing instead (IU).
    """

    def __init__(
        self, label_smoothing: float = 0.0, weak: bool = False, ignore: bool = False, **kwargs
    ):
        super().__init__(**kwargs)
        self.label_smoothing, self.weak, self.ignore = label_smoothing, weak, ignore

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        labels = target.clamp(min=0) * (1 - 2 * self.label_smoothing) + self.label_smoothing
        loss = self.cross_entropy(logits, labels)
        factor = 0 if self.ignore else 1 / max(logits.shape[1] - 1, 1) if self.weak else 1
        return torch.where(target < 0, factor * loss, loss)


@MODELS.register_module()
class ExpectedPositivesLoss(MeanLoss):
    """EPR: the positives, and ((mean over images of sum_k p - expected) / K)^2.

    `expected`: positives per image; the papers': VOC 2012 1.5, COCO 2.9, NUS 1.9, CUB 31.4.
    """

    def __init__(self, expected: float, **kwargs):
        super().__init__(**kwargs)
        self.expected = expected

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        p = torch.sigmoid(logits)
        return torch.where(target == 1, self.neg_log(logits), 0) + self.penalty(p)

    def penalty(self, p: Tensor) -> Tensor:
        return ((p.sum(dim=1).mean() - self.expected) / p.shape[1]) ** 2


@MODELS.register_module()
class ROLELoss(ExpectedPositivesLoss):
    """ROLE: the labels of all training images are estimated together with the model.

    Half the sum of two sides, (p, q) and (q, p): the positives' -log of the first, the cross
    entropy of the first against the second as a constant, EPR's penalty of the first. q = sigmoid
    of a free parameter per training image and class, (`num_images`, `num_classes`), from U(-0.405,
    0.405). The paper trains it with ten times the model's learning rate (`paramwise_cfg`).
    """

    def __init__(self, expected: float, num_images: int, num_classes: int, **kwargs):
        super().__init__(expected, **kwargs)
        self.num_images = num_images
        self.estimate = nn.Parameter(torch.empty(num_images, num_classes).uniform_(-0.405, 0.405))

    def compute(self, logits: Tensor, target: Tensor, index: Tensor) -> Tensor:
        x, z, sides = logits, self.estimate[index], 0
        for a, b in ((x, z), (z, x)):
            loss = self.cross_entropy(a, torch.sigmoid(b).detach())
            loss = loss + torch.where(target == 1, self.neg_log(a), 0)
            sides = sides + loss + self.penalty(torch.sigmoid(a))
        return sides / 2


@MODELS.register_module()
class EntropyMaximizationLoss(MeanLoss):
    """EM: unknown labels gain alpha times their entropy; with APL also soft pseudo labels.

    APL (asymmetric pseudo labelling): after each epoch from the `warm_up`-th on, in every class the
    floor(0.9 u / (epochs - warm_up)) lowest of its still unknown labels, u at the start, get their
    present p as a soft label, which costs beta times the cross entropy. Only likely negatives are
    labelled. Scores and labels are in the state, (`num_images`, `num_classes`) each.

    Args:
        alpha: VOC 2012 and CUB of the papers .2 and .01, COCO and NUS .1.
        beta: VOC 2012 .02, COCO .9, NUS .2, CUB .4; None for EM alone.
        warm_up, epochs: 5 and 10 on COCO; `epochs` is that of the training.
        num_images, num_classes: of the training set, for APL.
        **kwargs: see :class:`MultiLabelLoss`.
    """

    NONE = -1.0  # in the tables: no score, no label

    def __init__(
        self,
        alpha: float = 0.1,
        beta: float | None = None,
        warm_up: int = 5,
        epochs: int = 10,
        num_images: int = 0,
        num_classes: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if beta is not None and not (num_images and num_classes and epochs > warm_up):
            raise ValueError('APL (beta) needs num_images, num_classes and epochs > warm_up')
        self.alpha, self.beta, self.warm_up, self.epochs = alpha, beta, warm_up, epochs
        if beta is not None:
            self.num_images = num_images
            empty = torch.full((num_images, num_classes), self.NONE)
            self.register_buffer('scores', empty.clone())
            self.register_buffer('pseudo', empty)
            self.register_buffer('start', torch.zeros(num_classes, dtype=torch.long))
            self.register_buffer('seen_epoch', torch.zeros((), dtype=torch.long))

    def compute(self, logits: Tensor, target: Tensor, index: Tensor | None = None) -> Tensor:
        p = torch.sigmoid(logits)
        entropy = self.cross_entropy(logits, p)
        loss = torch.where(target < 0, -self.alpha * entropy, self.cross_entropy(logits, target))
        if self.beta is None:
            return loss
        if self.training and self.epoch != self.seen_epoch:
            if self.seen_epoch + 1 >= self.warm_up:
                self.label()
            self.seen_epoch.fill_(self.epoch)
        soft = self.pseudo[index]
        if self.training:
            self.scores[index] = torch.where(target < 0, p.detach(), self.NONE).to(self.scores)
        return torch.where(soft >= 0, self.beta * self.cross_entropy(logits, soft), loss)

    @torch.no_grad()
    def label(self) -> None:
        """Pseudo labels from the scores of the epoch that has ended, of all processes."""
        all_reduce(self.scores, 'max')
        unknown = (self.scores >= 0) & (self.pseudo < 0)
        if not self.start.any():
            self.start.copy_(unknown.sum(dim=0))
        share = 0.9 / (self.epochs - self.warm_up)
        for k in range(len(self.start)):
            count = int(share * self.start[k])
            scores = self.scores[:, k].masked_fill(~unknown[:, k], torch.inf)
            lowest = scores.topk(min(count, int(unknown[:, k].sum())), largest=False).indices
            self.pseudo[lowest, k] = scores[lowest]
        self.scores.fill_(self.NONE)
