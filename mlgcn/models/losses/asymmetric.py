"""Losses that weigh positives, negatives and unknown labels apart: ASL, CSL, focal, Hill, SPLC."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from mlgcn.registry import MODELS

from .base import MultiLabelLoss


def asymmetric(
    logits: Tensor, positive: Tensor, gamma: Tensor, clip: float, eps: float | None, detach: bool
) -> Tensor:
    """-(1 - pt)^gamma log pt, (B, K), with pt = p or, for negatives, min(1, 1 - p + clip).

    `eps` clamps pt from below, as published, which stops the gradients of very wrong logits;
    None takes the logarithms of p and, without clip, of 1 - p from logits, which never does.
    """
    p = torch.sigmoid(logits)
    shifted = 1 - p if eps is not None else torch.sigmoid(-logits)
    pt = torch.where(positive, p, (shifted + clip).clamp(max=1))
    if eps is not None:
        log = torch.log(pt.clamp(min=eps))
    elif clip:
        log = torch.where(positive, F.logsigmoid(logits), torch.log((shifted + clip).clamp(max=1)))
    else:
        log = F.logsigmoid(torch.where(positive, logits, -logits))
    # a power below 1 has an infinite gradient at 0
    base = (1 - pt if eps is not None else torch.where(positive, shifted, 1 - pt)).clamp(min=1e-30)
    weight = torch.where(gamma == 0, 1.0, base**gamma)
    return -(weight.detach() if detach else weight) * log


@MODELS.register_module()
class ASL(MultiLabelLoss):
    """ASL (Ridnik et al., ICCV 2021, arXiv 2009.14119); unknown labels cost nothing.

    A negative with p < clip costs nothing. The published COCO recipes of ASL and ML-Decoder are
    `gamma_neg=4, gamma_pos=0, clip=0.05, detach=True, eps=1e-8`; Query2Label's are `gamma_neg=2,
    gamma_pos=0, clip=0, detach=True, eps=1e-5, reduction='mean', loss_weight=1000`. Without
    `detach` it equals timm's `AsymmetricLossMultiLabel(reduction='sum')` and, divided by B K,
    mmpretrain's `AsymmetricLoss`.

    Args:
        gamma_neg, gamma_pos: focusing parameters.
        clip: probability shift of negatives.
        eps: the published clamp, or None: no gradient is lost.
        detach: no gradient through the focal weight.
        **kwargs: see :class:`MultiLabelLoss`.
    """

    def __init__(
        self,
        gamma_neg: float = 4.0,
        gamma_pos: float = 1.0,
        clip: float = 0.05,
        eps: float | None = None,
        detach: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.gammas = gamma_neg, gamma_pos
        self.clip, self.eps, self.detach = clip, eps, detach

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        positive = target == 1
        gamma = torch.where(positive, *map(logits.new_tensor, self.gammas[::-1]))
        loss = asymmetric(logits, positive, gamma, self.clip, self.eps, self.detach)
        return torch.where(target < 0, 0, loss)


@MODELS.register_module()
class PartialASL(MultiLabelLoss):
    """CSL (Ben-Baruch et al., CVPR 2022, arXiv 2110.10955): ASL that treats unknown labels apart.

    Args:
        gamma, alpha: focusing parameters and weights of (positive, negative, unknown) labels;
            unknown ones are negatives otherwise.
        clip, eps: see :class:`ASL`; the focal weight is detached.
        mode: 'negative': unknown labels count. 'ignore': they do not. 'normalize': they do not,
            and an image with n known labels weighs 1 + 1 / (1 + n). 'selective': those count that
            are likely absent, see the two arguments below.
        topk: 'selective' drops the topk * B unknown labels of the batch with the highest p.
        prior, prior_threshold: 'selective' drops unknown labels of classes whose prior (K numbers,
            mean probability of a model trained with 'ignore') exceeds the threshold.
        **kwargs: see :class:`MultiLabelLoss`.
    """

    def __init__(
        self,
        gamma: Sequence[float] = (0.0, 1.0, 4.0),
        alpha: Sequence[float] = (1.0, 1.0, 1.0),
        clip: float = 0.0,
        eps: float | None = None,
        mode: str = 'selective',
        topk: int = 1,
        prior: Sequence[float] | None = None,
        prior_threshold: float = 0.5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if mode not in ('negative', 'ignore', 'normalize', 'selective'):
            raise ValueError(f'mode is {mode!r}; expected negative, ignore, normalize or selective')
        self.gamma, self.alpha, self.clip, self.eps = tuple(gamma), tuple(alpha), clip, eps
        self.mode, self.topk = mode, topk
        self.likely = None if prior is None else torch.tensor(prior) > prior_threshold

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        kind = torch.where(target < 0, 2, 1 - target).long()  # 0 positive, 1 negative, 2 unknown
        gamma, alpha = (logits.new_tensor(values)[kind] for values in (self.gamma, self.alpha))
        loss = asymmetric(logits, target == 1, gamma, self.clip, self.eps, detach=True)
        return alpha * loss * self.weight(logits.detach(), target < 0)

    def weight(self, logits: Tensor, unknown: Tensor) -> Tensor:
        """Which labels count, (B, K)."""
        if self.mode == 'negative':
            return torch.ones_like(logits)
        if self.mode == 'selective':
            count = min(self.topk * len(logits), int(unknown.sum()))
            likely = logits.masked_fill(~unknown, -torch.inf).flatten().topk(count).indices
            weight = torch.ones_like(logits).flatten().index_fill(0, likely, 0).view_as(logits)
            if self.likely is not None:
                weight = weight.masked_fill(unknown & self.likely.to(unknown.device), 0)
            return weight
        known = (~unknown).float()
        if self.mode == 'normalize':  # in float32, as published
            known = known * (1 + 1 / (1 + known.sum(dim=1, keepdim=True)))
        return known


@MODELS.register_module()
class MultiLabelFocalLoss(MultiLabelLoss):
    """torchvision's focal loss (Lin et al., ICCV 2017) over the known labels; alpha -1 for none."""

    def __init__(self, gamma: float = 2.0, alpha: float = -1.0, **kwargs):
        super().__init__(**kwargs)
        self.gamma, self.alpha = gamma, alpha

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        loss = sigmoid_focal_loss(logits, target.clamp(min=0), self.alpha, self.gamma)
        return torch.where(target < 0, 0, loss)


@MODELS.register_module()
class HillLoss(MultiLabelLoss):
    """Hill (Zhang et al. 2021, arXiv 2112.07368): likely negatives pull less; unknown is negative.

    Positives -(1 - p_m)^gamma log p_m with p_m = sigmoid(x - margin); negatives (lamb - p) p^2,
    which with lamb 1.5 has no gradient at either end. As log sigmoid: the published form is NaN in
    float32 at logits below -88.
    """

    def __init__(self, lamb: float = 1.5, margin: float = 1.0, gamma: float = 2.0, **kwargs):
        super().__init__(**kwargs)
        self.lamb, self.margin, self.gamma = lamb, margin, gamma

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        p, shifted = torch.sigmoid(logits), logits - self.margin
        positive = -(torch.sigmoid(-shifted) ** self.gamma) * F.logsigmoid(shifted)
        return torch.where(target == 1, positive, (self.lamb - p) * p**2)


@MODELS.register_module()
class SPLCLoss(MultiLabelLoss):
    """Self-paced label correction (Zhang et al. 2021, arXiv 2112.07368); unknown is negative.

    From the epoch `change_epoch` on (from 0), labels with a probability above `tau` are positive.
    Positives of the data have the margin.
    """

    def __init__(
        self,
        tau: float = 0.6,
        change_epoch: int = 1,
        margin: float = 1.0,
        gamma: float = 2.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.tau, self.change_epoch, self.margin, self.gamma = tau, change_epoch, margin, gamma

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        positive = target == 1
        shifted = torch.where(positive, logits - self.margin, logits)
        if self.epoch >= self.change_epoch:
            positive = positive | (torch.sigmoid(shifted) > self.tau)
        signed = torch.where(positive, shifted, -shifted)
        return -(torch.sigmoid(-signed) ** self.gamma) * F.logsigmoid(signed)
