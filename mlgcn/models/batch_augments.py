"""Mixup and CutMix for multi-label data, in which labels may be unknown."""

import torch
from mmpretrain.models import utils
from torch import Tensor

from mlgcn.registry import BATCH_AUGMENTS


class KeepUnknown:
    """A label that is unknown (-1) in either image stays unknown; upstream would mix the -1."""

    def mix(self, batch_inputs: Tensor, batch_scores: Tensor) -> tuple[Tensor, Tensor]:
        """Mixed images (B, C, H, W) and labels (B, K): in [0, 1], or -1 (unknown)."""
        scores = batch_scores.masked_fill(batch_scores < 0, torch.nan)
        images, scores = super().mix(batch_inputs, scores)
        return images, scores.nan_to_num(-1)


@BATCH_AUGMENTS.register_module()
class Mixup(KeepUnknown, utils.Mixup):
    """mmpretrain's ``Mixup`` (arXiv 1710.09412): labels are mixed as the pixels are.

    Args:
        alpha: the weight of the first image is drawn from Beta(alpha, alpha), once for a batch.
    """


@BATCH_AUGMENTS.register_module()
class CutMix(KeepUnknown, utils.CutMix):
    """mmpretrain's ``CutMix`` (arXiv 1905.04899): labels are mixed by the areas of the pictures.

    Args:
        alpha: the area that is kept is drawn from Beta(alpha, alpha), once for a batch.
        cutmix_minmax: instead, range of the pasted rectangle's sides, as parts of the image's.
        correct_lam: count the area after the rectangle was clipped at the border.
    """
