"""Average precision of one class by every published definition.

Each takes `positive` (N,), booleans in the order of the scores, and the `scores` in that order.
"""

import numpy as np


def mean_precision(positive: np.ndarray, scores: np.ndarray) -> float:
    """AP without interpolation: the mean precision at the positives."""
    return _precision(positive)[positive].sum() / positive.sum()


def guarded_mean_precision(positive: np.ndarray, scores: np.ndarray) -> float:
    """The same with ASL's guard against division by zero."""
    return _precision(positive)[positive].sum() / (positive.sum() + 1e-8)


def tied_mean_precision(positive: np.ndarray, scores: np.ndarray) -> float:
    """The same where equal scores are one threshold: no order of the images is preferred."""
    last = np.searchsorted(-scores, -scores, side='right') - 1
    return _precision(positive)[last][positive].sum() / positive.sum()


def envelope(positive: np.ndarray, scores: np.ndarray) -> float:
    """Area under the precision-recall curve made monotone from the right (VOC 2010 and later)."""
    best = np.maximum.accumulate(_precision(positive)[::-1])[::-1]
    return best[positive].sum() / positive.sum()


def eleven_points(positive: np.ndarray, scores: np.ndarray) -> float:
    """The mean over recalls 0, .1, .. 1 of the best precision from that recall on (VOC 2007).

    The published `arange` is kept: recall often hits exact tenths, and its .3, .6 and .7 are one
    unit in the last place too large.
    """
    precision, recall = _precision(positive), np.cumsum(positive) / positive.sum()
    return np.mean([precision[recall >= t].max(initial=0) for t in np.arange(0, 1.1, 0.1)])


def _precision(positive: np.ndarray) -> np.ndarray:
    return np.cumsum(positive) / np.arange(1, len(positive) + 1)
