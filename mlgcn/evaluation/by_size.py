"""AP of small, medium and large objects, from the boxes of an annotation file."""

from dataclasses import dataclass

import numpy as np
import torch

from .protocols import average_precisions, counted_in_ap

BANDS = {'small': (0, 32**2), 'medium': (32**2, 96**2), 'large': (96**2, np.inf)}


@dataclass(frozen=True)
class SizeBand:
    """One band: AP (K,) in percent, NaN without positives, their `positives` (K,), and mAP."""

    ap: np.ndarray
    positives: np.ndarray

    @property
    def mean_ap(self) -> float:
        """The mean over the classes that have positives in the band; NaN if none has."""
        return float(np.nanmean(self.ap)) if self.positives.any() else float('nan')


def scores_by_size(
    scores: np.ndarray | torch.Tensor, targets: np.ndarray, areas: np.ndarray, protocol: str
) -> dict[str, SizeBand]:
    """AP of every class among its positives of one size.

    The size of a positive (image and class) is the area of its largest box in pixels of the
    original photograph: small below 32^2, medium from there, large from 96^2 on (COCO's limits).
    A band ranks its positives among all negatives; positives of another size, or without a box,
    count neither way, so the three APs do not average to the class's AP.

    Args:
        scores: Logits (N, K).
        targets: Integers (N, K): 1 positive, 0 negative, -1 difficult.
        areas: (N, K), the largest box's area; 0 where there is none.
        protocol: 'addgcn' or 'gkgnet', as in :func:`multilabel_scores`.
    """
    scores = torch.as_tensor(scores).float()
    positive, counted = targets == 1, counted_in_ap(targets, protocol)
    bands = {}
    for name, (low, high) in BANDS.items():
        inside = positive & (areas >= max(low, 1e-9)) & (areas < high)
        ap = 100 * average_precisions(scores, inside, counted & (inside | ~positive), protocol)
        number = inside.sum(axis=0)
        bands[name] = SizeBand(np.where(number > 0, ap, np.nan), number)
    return bands
