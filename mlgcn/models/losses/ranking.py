"""Losses that compare logits with each other: two-way, ZLPR, pairwise ranking."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mlgcn.registry import MODELS

from .base import MultiLabelLoss


@MODELS.register_module()
class TwoWayLoss(MultiLabelLoss):
    """Two-way multi-label loss (Kobayashi, CVPR 2023); unknown labels are in neither set.

    For every class with a positive in the batch softplus(Tn lse(x / Tn over its negatives) + Tp
    lse(-x / Tp over its positives)), the mean over these classes; plus the same for every image
    over its classes. It compares the images of a batch: the batch size matters, and with several
    processes each compares its own. A class or image without negatives costs 0.

    Args:
        tp, tn: temperatures.
        mask: the published code adds this (-100) to logits that it means to leave out: wrong where
            logits come near it, NaN without any positive. None leaves them out.
        **kwargs: see :class:`MultiLabelLoss`.
    """

    def __init__(self, tp: float = 4.0, tn: float = 1.0, mask: float | None = None, **kwargs):
        super().__init__(**kwargs)
        self.tp, self.tn, self.mask = tp, tn, -torch.inf if mask is None else mask

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        return self.one_way(logits.T, target.T) + self.one_way(logits, target)

    def one_way(self, logits: Tensor, target: Tensor) -> Tensor:
        """The mean over the rows with a positive."""
        rows = (target == 1).any(dim=1)
        number = rows.sum()
        if self.mask == -torch.inf:  # rows without negatives cost 0; their gradient would be NaN
            rows, number = rows & (target == 0).any(dim=1), number.clamp(min=1)
        logits, target = logits[rows], target[rows]
        negative = self.lse(logits / self.tn, target == 0) * self.tn
        positive = self.lse(-logits / self.tp, target == 1) * self.tp
        return F.softplus(negative + positive).sum() / number

    def lse(self, logits: Tensor, kept: Tensor) -> Tensor:
        offset = torch.where(kept, 0.0, self.mask).to(logits)
        return torch.logsumexp(logits + offset, dim=1)


@MODELS.register_module()
class ZLPRLoss(MultiLabelLoss):
    """ZLPR (Su et al. 2022, arXiv 2208.02955): log(1 + sum e^x) + log(1 + sum e^-x), a row.

    The sums run over the negatives and the positives of an image; labels are present above 0.
    Unknown labels are in neither sum. Without unknown labels and with 'batchmean', the default, it
    equals timm's `ZlprLoss`.
    """

    usual = 'batchmean'

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        zero = logits.new_zeros(len(logits), 1)
        sides = (
            torch.cat([zero, (sign * logits).masked_fill(target != label, -torch.inf)], dim=1)
            for sign, label in ((1, 0), (-1, 1))
        )
        return sum(torch.logsumexp(side, dim=1, keepdim=True) for side in sides)


@MODELS.register_module()
class PairwiseRankingLoss(MultiLabelLoss):
    """Sum over observed positives i and all other labels j of max(0, 1 - p_i + p_j), per label.

    From Cole et al., CVPR 2021 (arXiv 2106.09708).
    """

    usual = 'mean'

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        p, positive = torch.sigmoid(logits), target == 1
        pairs = positive[:, :, None] & ~positive[:, None, :]
        return (torch.relu(1 - p[:, :, None] + p[:, None, :]) * pairs).sum(dim=2)
