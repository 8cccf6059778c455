"""Precision-recall curves of every class, their macro mean, and all decisions pooled (micro)."""

from dataclasses import dataclass

import numpy as np
import torch

from .protocols import counted_in_ap, orders, precisions


@dataclass(frozen=True)
class Curves:
    """`classes[k]` and `micro` are (2, P) of recall and precision in percent, P at most `points`.

    A point is the precision at the rank of a positive, the one with which that recall is reached.
    `macro` (2, points) is the mean precision of the classes with positives at equal recalls, None
    if there is no positive; a class without any has P = 0.
    """

    classes: list[np.ndarray]
    macro: np.ndarray | None
    micro: np.ndarray


def precision_recall_curves(
    scores: np.ndarray | torch.Tensor, targets: np.ndarray, protocol: str, points: int = 50
) -> Curves:
    """Curves of logits (N, K) and targets (N, K) of 1, 0, -1, ranked as `protocol` does.

    Classes of at most `points` positives have all of their points, so their mean precision is AP.
    """
    scores = torch.as_tensor(scores).float()
    positive, counted = targets == 1, counted_in_ap(targets, protocol)
    grid = np.arange(1, points + 1) / points
    classes, at_grid = [], []
    for k, order in enumerate(orders(scores, protocol)):
        values = precisions(positive[order, k], counted[order, k])
        classes.append(_thin(values, points))
        if len(values):
            at_grid.append(100 * values[_positive_at(grid, len(values))])
    macro = np.stack([100 * grid, np.mean(at_grid, axis=0)]) if at_grid else None
    pooled = scores.reshape(-1, 1)
    (order,) = orders(pooled, protocol)
    micro = _thin(precisions(positive.ravel()[order], counted.ravel()[order]), points)
    return Curves(classes, macro, micro)


def _thin(values: np.ndarray, points: int) -> np.ndarray:
    number = len(values)
    kept = np.arange(number)
    if number > points:
        kept = _positive_at(np.arange(1, points + 1) / points, number)
    return 100 * np.stack([(kept + 1) / max(number, 1), values[kept]])


def _positive_at(recall: np.ndarray, number: int) -> np.ndarray:
    """The index of the positive (of `number`, best first) with which `recall` is reached."""
    return np.ceil(recall * number - 1e-9).astype(int) - 1
