"""Thresholds for multi-label probabilities by an exact sweep over all cuts. Pure numpy.

Labels of -1 (difficult, unknown) take no part in anything here.
"""

from dataclasses import dataclass

import numpy as np

from .objective import Objective

BLOCK = 2_000_000  # scores sorted at a time


@dataclass(frozen=True)
class Thresholds:
    """Thresholds of C columns: `values` float32 (C,), and whether each `reached` its target."""

    values: np.ndarray
    reached: np.ndarray


def best_thresholds(
    probabilities: np.ndarray, targets: np.ndarray, objective: Objective
) -> Thresholds:
    """The best threshold of every column, by trying each cut between two different scores.

    A threshold lies midway between the lowest score that is present and the highest that is not
    (between them and 1 or 0 at the ends; above 1 where no label is to be present and a score is 1).
    Of equally good cuts the one with the fewest labels is taken. A column without positives gets
    what its objective says of it: nothing present.

    Args:
        probabilities: float32 (N, C) in [0, 1].
        targets: (N, C) of 1, 0, -1.
    """
    number, columns = probabilities.shape
    values, reached = np.empty(columns, np.float32), np.empty(columns, bool)
    width = max(BLOCK // max(number, 1), 1)
    for start in range(0, columns, width):
        block = slice(start, start + width)
        values[block], reached[block] = _sweep(
            probabilities[:, block], targets[:, block], objective
        )
    return Thresholds(values, reached)


def _sweep(
    probabilities: np.ndarray, targets: np.ndarray, objective: Objective
) -> tuple[np.ndarray, np.ndarray]:
    """:func:`best_thresholds` of one block of columns; axis 1 below is the rank of a score."""
    scores = np.where(targets.T >= 0, probabilities.T.astype(np.float32), np.float32(-1))
    order = np.argsort(-scores, axis=1)
    scores = np.take_along_axis(scores, order, axis=1)
    ranked = np.take_along_axis(targets.T, order, axis=1)
    columns = np.arange(len(scores))
    counted = (ranked >= 0).sum(axis=1)
    start = np.zeros((len(scores), 1), np.int64)
    hits = np.concatenate([start, np.cumsum(ranked == 1, axis=1)], axis=1)
    wrong = np.concatenate([start, np.cumsum(ranked == 0, axis=1)], axis=1)
    # cut i: the i highest scores are present; not between equal scores, nor among the uncounted
    edges = np.concatenate([start + 2.0, scores, start - 1.0], axis=1).astype(np.float32)
    allowed = edges[:, :-1] > edges[:, 1:]
    value, reached = objective.values((hits, wrong, hits[:, -1:]))
    cut = np.argmax(np.where(allowed, value, -np.inf), axis=1)
    above = np.where(cut == 0, np.float32(1), edges[columns, cut])
    below = np.where(cut == counted, np.float32(0), edges[columns, cut + 1])
    middle = above.astype(np.float64) + (below.astype(np.float64) - above) / 2
    threshold = middle.astype(np.float32)
    # neighbours in float32, or a highest score of 1: the smallest number above `below`
    threshold = np.where(
        (threshold <= below) & (cut < counted), np.nextafter(below, np.float32(2)), threshold
    )
    return threshold, reached[columns, cut]


@dataclass(frozen=True)
class ChosenThresholds:
    """One threshold per class, and how it came about.

    `values` float32 (K,); `reached` (K,): whether the target of precision or recall is reached
    where the thresholds were chosen; `shared` (K,): the classes that share a pooled threshold;
    `pooled_over`: which classes' scores that one was chosen on, in words.
    """

    values: np.ndarray
    reached: np.ndarray
    shared: np.ndarray
    pooled_over: str


def choose_thresholds(
    probabilities: np.ndarray,
    targets: np.ndarray,
    objective: Objective,
    per_class: bool = True,
    min_positives: int = 10,
) -> ChosenThresholds:
    """A threshold for every class, by its own scores where it has positives enough.

    Classes with fewer than `min_positives` share one, chosen on all of their scores together; where
    these, too, hold fewer positives, on the scores of all classes.

    Args:
        probabilities: float32 (N, K) in [0, 1].
        targets: (N, K) of 1, 0, -1.
        per_class: False gives all classes one threshold, chosen on all decisions together.
    """
    classes = probabilities.shape[1]
    positives = (targets == 1).sum(axis=0)
    rare = positives < min_positives if per_class else np.ones(classes, bool)
    values, reached = np.empty(classes, np.float32), np.empty(classes, bool)
    pooled_over = ''
    if not rare.all():
        own = best_thresholds(probabilities[:, ~rare], targets[:, ~rare], objective)
        values[~rare], reached[~rare] = own.values, own.reached
    if rare.any():
        enough = positives[rare].sum() >= min_positives and not rare.all()
        pool = rare if enough else slice(None)
        pooled_over = 'the classes that share it' if enough else 'all classes'
        pooled = best_thresholds(
            probabilities[:, pool].reshape(-1, 1), targets[:, pool].reshape(-1, 1), objective
        )
        values[rare], reached[rare] = pooled.values[0], pooled.reached[0]
    return ChosenThresholds(values, reached, rare, pooled_over)
