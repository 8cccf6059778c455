"""Which labels are falsely predicted where another one is present, beside how often both occur."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelPairs:
    """Counts of images; row a is the label that is present, column b another one. All (K, K).

    Attributes:
        together: a and b are both present; `together[a, a]` counts the images of a.
        absent: a is present and b is not (difficult b counts neither way).
        falsely: as `absent`, and b is predicted.
        base: (K,) fraction of the images without b, whatever is in them, on which b is predicted.
    """

    together: np.ndarray
    absent: np.ndarray
    falsely: np.ndarray
    base: np.ndarray

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
