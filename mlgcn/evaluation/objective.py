"""What thresholds are chosen for."""

import math
from dataclasses import dataclass

import numpy as np

# of every cut: true positives, false positives, all positives
Counts = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Objective:
    """What a threshold is chosen for.

    Args:
        name: 'f1', 'f2', 'precision', 'recall' or 'cost'.
        target: precision or recall to reach, in (0, 1].
        costs: of a false positive and of a false negative.
    """

    name: str
    target: float = 0.0
    costs: tuple[float, float] = (1.0, 1.0)

    @classmethod
    def parse(cls, text: str) -> 'Objective':
        """From 'f1', 'f2', 'precision=0.9', 'recall=0.9' or 'cost=1:5'; ValueError for others."""
        name, _, value = text.partition('=')
        try:
            if name in ('f1', 'f2') and not value and '=' not in text:
                return cls(name)
            if name in ('precision', 'recall') and 0 < float(value) <= 1:
                return cls(name, target=float(value))
            if name == 'cost':
                positive, negative = map(float, value.split(':'))
                if min(positive, negative) > 0 and max(positive, negative) < math.inf:
                    return cls(name, costs=(positive, negative))
        except ValueError:
            pass
        raise ValueError(
            f'objective {text!r}: expected f1, f2, precision=P or recall=R (above 0, at most 1), '
            'or cost=FP:FN (two numbers above 0)'
        )

    def values(self, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
        """(value of every cut, greater is better; whether the cut reaches the target)."""
        hits, wrong, positives = counts
        missed = positives - hits
        reached = np.ones(hits.shape, bool)
        if self.name in ('f1', 'f2'):
            square = 1 if self.name == 'f1' else 4
            below = square * positives + hits + wrong
            return (1 + square) * hits / np.maximum(below, 1), reached
        if self.name == 'cost':
            return -(self.costs[0] * wrong + self.costs[1] * missed), reached
        precision = hits / np.maximum(hits + wrong, 1)
        recall = hits / np.maximum(positives, 1)
        aim, rest = (precision, recall) if self.name == 'precision' else (recall, precision)
        reached = (aim >= self.target - 1e-12) & (hits > 0)  # 9 of 10 are 0.9
        # those that reach it first, by what is left to gain; the others by how near they come
        return np.where(reached, 1 + rest, aim), reached
