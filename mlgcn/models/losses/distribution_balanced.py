"""Distribution-balanced loss for long-tailed classes."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mlgcn.registry import MODELS

from .base import MultiLabelLoss


@MODELS.register_module()
class DistributionBalancedLoss(MultiLabelLoss):
    """Distribution-balanced loss (Wu et al., ECCV 2020, arXiv 2007.09654), from the paper's text.

    Labels weigh w = alpha + sigmoid(beta (r - mu)), r the share of class k in the resampling rates
    of the image's positives; in the loss, logits are shifted by -kappa / lamb log(N / n_k - 1);
    negatives cost 1 / lamb softplus(lamb z). Unknown labels cost nothing and have no share.

    Args:
        class_freq: n_k, positive training images of each class; held to 1 .. N - 1.
        num_samples: N, training images.
        alpha, beta, mu: of the weights (map function).
        lamb: scale of the negatives ('neg_scale'); VOC-MLT 5.
        kappa: of the shift ('init_bias').
        focal: factor 2 (1 - p_t)^2, as published.
        reweight: 'rebalance', or 'inv' for w = N / n_k.
        **kwargs: see :class:`MultiLabelLoss`; 'mean' by default.
    """

    usual = 'mean'

    def __init__(
        self,
        class_freq: Sequence[int],
        num_samples: int,
        alpha: float = 0.1,
        beta: float = 10.0,
        mu: float = 0.2,
        lamb: float = 2.0,
        kappa: float = 0.05,
        focal: bool = True,
        reweight: str = 'rebalance',
        **kwargs,
    ):
        super().__init__(**kwargs)
        if reweight not in ('rebalance', 'inv'):
            raise ValueError(f"reweight is {reweight!r}; expected 'rebalance' or 'inv'")
        self.map, self.lamb, self.focal, self.reweight = (alpha, beta, mu), lamb, focal, reweight
        freq = [min(max(n, 1), num_samples - 1) for n in class_freq]
        self.num_samples, self.freq = num_samples, freq
        self.shift = [kappa / lamb * math.log(num_samples / n - 1) for n in freq]

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        positive, freq = target == 1, logits.new_tensor(self.freq)
        z = logits - logits.new_tensor(self.shift)
        signed = torch.where(positive, z, -self.lamb * z)
        loss = self.weight(positive, freq) * F.softplus(-signed)
        loss = torch.where(positive, loss, loss / self.lamb)
        if self.focal:
            loss = 2 * torch.sigmoid(-signed) ** 2 * loss
        return torch.where(target < 0, 0, loss)

    def weight(self, positive: Tensor, freq: Tensor) -> Tensor:
        """w, (B, K)."""
        if self.reweight == 'inv':
            return (self.num_samples / freq).expand(positive.shape)
        alpha, beta, mu = self.map
        rates = (positive / freq).sum(dim=1, keepdim=True)  # 0 without positives: w = 1 + alpha
        return alpha + torch.sigmoid(beta * (1 / freq / rates - mu))
