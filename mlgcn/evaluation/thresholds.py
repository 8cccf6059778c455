"""Thresholds for multi-label probabilities by an exact sweep over all cuts; -1 is left out."""

import math
from contextlib import suppress
from typing import NamedTuple

import numpy as np


class Objective(NamedTuple):
    """What a threshold is chosen for."""

    name: str  # 'f1', 'f2', 'precision', 'recall' or 'cost'
    target: float = 0.0  # precision or recall to reach, in (0, 1]
    costs: tuple[float, float] = (1.0, 1.0)  # of a false positive and a false negative

    @classmethod
    def parse(cls, text: str) -> 'Objective':
        """From 'f1', 'f2', 'precision=0.9', 'recall=0.9' or 'cost=1:5'; ValueError for others."""
        name, _, value = text.partition('=')
        with suppress(ValueError):
            if text in ('f1', 'f2'):
                return cls(name)
            if name in ('precision', 'recall') and 0 < float(value) <= 1:
                return cls(name, target=float(value))
            if name == 'cost':
                costs = tuple(map(float, value.split(':')))
                if len(costs) == 2 and all(0 < cost < math.inf for cost in costs):
                    return cls(name, costs=costs)
        known = 'f1, f2, precision=P or recall=R (above 0, at most 1), or cost=FP:FN (above 0)'
        raise ValueError(f'objective {text!r}: expected {known}')

    def values(
        self, hits: np.ndarray, wrong: np.ndarray, positives: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Value (greater is better) and "reaches the target" of cuts, from TP, FP and positives."""
        reached = np.ones(hits.shape, bool)
        if self.name in ('f1', 'f2'):
            square = 1 if self.name == 'f1' else 4
            return (1 + square) * hits / np.maximum(square * positives + hits + wrong, 1), reached
        if self.name == 'cost':
            return -(self.costs[0] * wrong + self.costs[1] * (positives - hits)), reached
        precision = hits / np.maximum(hits + wrong, 1)
        recall = hits / np.maximum(positives, 1)
        aim, rest = (precision, recall) if self.name == 'precision' else (recall, precision)
        reached = (aim >= self.target - 1e-12) & (hits > 0)  # 9 of 10 are 0.9
        # cuts that reach the target come first, by the other measure; the rest by how near they are
        return np.where(reached, 1 + rest, aim), reached


def best_threshold(
    probabilities: np.ndarray, targets: np.ndarray, objective: Objective
) -> tuple[np.float32, bool]:
    """The best threshold of float32 scores of any shape, and whether it reaches the target.

    Of equally good cuts the one with the fewest labels is taken. The threshold lies midway between
    the lowest score that is present (1 where none is; above 1 if a score is 1) and the highest that
    is not (0 where all are).
    """
    known = targets >= 0
    order = np.argsort(-probabilities[known])
    scores, labels = probabilities[known][order].astype(np.float32), targets[known][order]
    hits, wrong = (np.append(0, np.cumsum(labels == label)) for label in (1, 0))
    # cut i: the i highest scores are present; not between equal scores
    edges = np.concatenate([[2], scores, [-1]]).astype(np.float32)
    value, reached = objective.values(hits, wrong, hits[-1])
    cut = np.argmax(np.where(edges[:-1] > edges[1:], value, -np.inf))
    above, below = np.clip(edges[cut : cut + 2], 0, 1)
    middle = np.float32((float(above) + float(below)) / 2)
    # neighbours in float32, or a highest score of 1: the smallest number above `below`
    if middle <= below and cut < len(scores):
        middle = np.nextafter(below, np.float32(2))
    return middle, bool(reached[cut])


class ChosenThresholds(NamedTuple):
    """The thresholds of K classes."""

    values: np.ndarray  # float32 (K,)
    reached: np.ndarray  # (K,): whether they reach the target on the data
    shared: np.ndarray  # (K,): the classes with a pooled threshold
    pooled_over: str  # in words: the classes on whose scores that one was chosen


def choose_thresholds(
    probabilities: np.ndarray,
    targets: np.ndarray,
    objective: Objective,
    per_class: bool = True,
    min_positives: int = 10,
) -> ChosenThresholds:
    """A threshold for every class of probabilities (N, K) float32 and targets (N, K) of 1, 0, -1.

    It is chosen on the scores of the class. Classes with fewer than `min_positives` share one,
    chosen on all of their scores together; where these, too, hold fewer positives, on the scores of
    all classes. Without `per_class` all classes share one.
    """

    def best(columns) -> tuple[np.float32, bool]:
        return best_threshold(probabilities[:, columns], targets[:, columns], objective)

    positives = (targets == 1).sum(axis=0)
    rare = (positives < min_positives) | (not per_class)
    enough = positives[rare].sum() >= min_positives and not rare.all()
    pooled, pooled_over = None, ''
    if rare.any():
        pooled = best(rare if enough else slice(None))
        pooled_over = 'the classes that share it' if enough else 'all classes'
    found = [pooled if shared else best(k) for k, shared in enumerate(rare)]
    values, reached = map(np.array, zip(*found))
    return ChosenThresholds(values, reached, rare, pooled_over)
