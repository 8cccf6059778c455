"""What the report shows beside the metrics: curves, pairs of labels, AP by object size."""

from typing import NamedTuple

import numpy as np
import torch

from .protocols import (
    Table,
    as_float32,
    by_class,
    counted_in_ap,
    orders,
    precisions,
    skips_empty_classes,
)

# COCO's limits, in square pixels of the original image
BANDS = {'small': (0, 32**2), 'medium': (32**2, 96**2), 'large': (96**2, np.inf)}


class Curves(NamedTuple):
    """Recall and precision in percent, each at the rank of a positive; P is at most `points`."""

    classes: list[np.ndarray]  # (2, P) each; P is 0 without positives
    macro: np.ndarray | None  # (2, points): the classes' mean precision at equal recalls
    micro: np.ndarray  # (2, P) of all decisions together


def precision_recall_curves(
    scores: Table, targets: np.ndarray, protocol: str, points: int = 50
) -> Curves:
    """Curves of logits (N, K) and targets (N, K) of 1, 0, -1, ranked as `protocol` does.

    Classes of at most `points` positives have all of their points, so their mean precision is AP.
    """
    scores = torch.as_tensor(scores)
    positive, counted = targets == 1, counted_in_ap(targets, protocol)
    recalls = np.arange(1, points + 1) / points

    def ranked(scores, positive, counted) -> list[np.ndarray]:
        every = enumerate(orders(scores, protocol))
        return [precisions(positive[order, k], counted[order, k]) for k, order in every]

    def reached(number: int) -> np.ndarray:  # index of the positive with which a recall is reached
        return np.ceil(recalls * number - 1e-9).astype(int) - 1

    def curve(values: np.ndarray) -> np.ndarray:
        number = len(values)
        kept = reached(number) if number > points else np.arange(number)
        return 100 * np.stack([(kept + 1) / max(number, 1), values[kept]])

    classes = ranked(scores, positive, counted)
    (pooled,) = ranked(*(table.reshape(-1, 1) for table in (scores, positive, counted)))
    at = [100 * values[reached(len(values))] for values in classes if len(values)]
    macro = np.stack([100 * recalls, np.mean(at, axis=0)]) if at else None
    return Curves([curve(values) for values in classes], macro, curve(pooled))


class LabelPairs(NamedTuple):
    """Counts of images (K, K): row a is the label that is present, column b another one."""

    together: np.ndarray  # b is present, too
    absent: np.ndarray  # b is not; difficult b counts neither way
    falsely: np.ndarray  # b is not, but it is predicted
    base: np.ndarray  # (K,): the fraction of all images without b on which b is predicted

    @property
    def cooccurrence(self) -> np.ndarray:
        """P(b present | a present), (K, K), of the images on which b is known; 0 where none is."""
        return self.together / np.maximum(self.together + self.absent, 1)

    @property
    def expected(self) -> np.ndarray:
        """The number of false predictions (K, K) if b's did not depend on a: absent x base."""
        return self.absent * self.base


def label_pairs(predicted: np.ndarray, targets: np.ndarray) -> LabelPairs:
    """Count pairs of labels over decisions (N, K), boolean, and targets (N, K) of 1, 0, -1."""
    present = (targets == 1).astype(np.float32)  # counts up to 2 ** 24 are exact
    absent = (targets == 0).astype(np.float32)
    false = predicted * absent
    base = false.sum(axis=0) / np.maximum(absent.sum(axis=0), 1)
    return LabelPairs(present.T @ present, present.T @ absent, present.T @ false, base)


class SizeBand(NamedTuple):
    """Scores of the objects of one size."""

    ap: np.ndarray  # (K,) in percent; without positives NaN, under gkgnet 0
    positives: np.ndarray  # (K,)

    @property
    def mean_ap(self) -> float:
        """The mean over the classes that are not NaN; NaN if all are."""
        kept = ~np.isnan(self.ap)
        return float(self.ap[kept].mean()) if kept.any() else float('nan')


def scores_by_size(
    scores: Table, targets: np.ndarray, areas: np.ndarray, protocol: str
) -> dict[str, SizeBand]:
    """AP of every class among its positives of one size, of logits and targets (N, K).

    The size of a positive (image and class) is the area of its largest box, `areas` (N, K), in
    pixels of the original image, 0 without a box; see `BANDS`. A band ranks its positives among all
    negatives, without other positives, so the three APs do not average to the class's AP.

    'gkgnet' is the published function: positives without a box count in every band, and a class
    without positives of a size is 0 and stays in the mean. 'addgcn' leaves both out. Equal scores
    are in the order of the protocol's sort of all images; of 'gkgnet' that is `np.argsort(-p)` of
    torch's sigmoid here, other than in its AP.
    """
    skip, shape = skips_empty_classes(protocol), (len(BANDS), targets.shape[1])
    sums, number = np.zeros(shape), np.zeros(shape, int)
    ranked = orders(scores, protocol) if skip else map(_order_by_size, by_class(scores, _sigmoid))
    for k, (order, labels, area) in enumerate(zip(ranked, by_class(targets), by_class(areas))):
        positive, area = labels[order] == 1, area[order]
        counted = counted_in_ap(labels, protocol)[order]
        for band, (low, high) in enumerate(BANDS.values()):
            inside = (area >= low) & (area < high)
            if skip:
                hits = positive & inside & (area > 0)
                inside = counted & (hits | ~positive)
            else:
                inside |= area == 0
                hits = positive & inside
            sums[band, k] = precisions(hits, inside).sum()
            number[band, k] = hits.sum()
    ap = 100 * sums / np.maximum(number, 1)
    ap[number == 0] = np.nan if skip else 0.0
    return {name: SizeBand(*values) for name, *values in zip(BANDS, ap, number)}


def _sigmoid(logits: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(as_float32(logits))


def _order_by_size(probabilities: np.ndarray) -> np.ndarray:
    return np.argsort(-probabilities)
