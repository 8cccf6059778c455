"""How far multi-label probabilities can be believed. Pure numpy."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reliability:
    """Probabilities in B equal bins of [0, 1]: `count`, mean `predicted`, share `observed`, (B,).

    `error` is the expected calibration error (Guo et al., ICML 2017): the mean over all labels of
    |predicted - observed| of their bin. Most labels of most images are absent and get
    probabilities near 0, so the first bin weighs most.
    """

    count: np.ndarray
    predicted: np.ndarray
    observed: np.ndarray
    error: float


def reliability(probabilities: np.ndarray, targets: np.ndarray, bins: int = 15) -> Reliability:
    """How often labels are present that are given a probability; see :class:`Reliability`."""
    counted = targets >= 0
    p, y = probabilities[counted].astype(np.float64), targets[counted] == 1
    place = np.minimum((p * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    some = np.maximum(count, 1)
    predicted = np.bincount(place, p, bins) / some
    observed = np.bincount(place, y, bins) / some
    error = float(np.dot(count, np.abs(predicted - observed)) / max(count.sum(), 1))
    return Reliability(count, predicted, observed, error)
