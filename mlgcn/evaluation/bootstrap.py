"""How far the metrics would move on another sample of images: the paired bootstrap."""

from typing import NamedTuple

import numpy as np

from . import protocols


class BootstrapScores(NamedTuple):
    """Metrics of R replicates in percent; those of two runs with the same draws are paired."""

    values: dict[str, np.ndarray]  # (R,) by name
    ap: np.ndarray  # (K, R), NaN where undefined


def draw_images(num_images: int, replicates: int, seed: int = 0) -> np.ndarray:
    """How often each replicate draws each image (with replacement), uint8 (images, replicates)."""
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(num_images, size=num_images) for _ in range(replicates))
    counts = [np.bincount(images, minlength=num_images).astype(np.uint8) for images in drawn]
    return np.stack(counts, axis=1)


def bootstrap_scores(
    scores: protocols.Table, targets: np.ndarray, protocol: str, draws: np.ndarray
) -> BootstrapScores:
    """The metrics of :func:`multilabel_scores` on every replicate, without ranking anew.

    An image that is drawn c times is c images of equal score, one after another in the ranking. A
    class that has positives, but none in a replicate, is left out of that replicate's mAP and CR.

    Scores, targets (N, K) and protocol as there, `draws` (N, R) of :func:`draw_images`.
    """
    protocols.check_protocol(protocol)
    if len(draws) != len(targets):
        raise ValueError(f'draws of {len(draws)} images, but scores of {len(targets)}')
    positive, counted = targets == 1, protocols.counted_in_ap(targets, protocol)
    weights = draws.T.astype(np.float32)  # sums up to 2 ** 24 are exact

    def count(table: np.ndarray, rows: slice) -> np.ndarray:
        return weights[:, rows] @ table.astype(np.float32)

    ap = np.empty((targets.shape[1], draws.shape[1]), np.float32)
    for k, order in enumerate(protocols.orders(scores, protocol)):
        order = order[counted[order, k]]
        ap[k] = 100 * _ap_of_replicates(positive[order, k], order, draws)
    if not protocols.skips_empty_classes(protocol):
        ap[~positive.any(axis=0)] = 0
    values = protocols.threshold_metrics(scores, targets, protocol, count)
    values['mAP'] = protocols.mean_of_some(ap.T.astype(float), ~np.isnan(ap.T))
    return BootstrapScores(values, ap)


def _ap_of_replicates(positive: np.ndarray, order: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """AP (R,) of one class as fractions; NaN where a replicate has no positive.

    Copies j = 1..c of a positive behind `wrong` negatives, the last at rank r, have the precisions
    1 - wrong / (r - c + j); their sum is c - wrong (H_r - H_(r-c)) with the harmonic numbers H.
    """
    places = np.flatnonzero(positive)
    if not len(places):
        return np.full(draws.shape[1], np.nan)
    drawn = draws[order[: places[-1] + 1]]
    copies = drawn[places].astype(np.int32)
    starts = np.concatenate([[0], places[:-1] + 1])
    rank = np.add.reduceat(drawn, starts, axis=0, dtype=np.int32).cumsum(axis=0, dtype=np.int32)
    hits = copies.cumsum(axis=0, dtype=np.int32)
    harmonic = np.concatenate([[0.0], (1 / np.arange(1, rank[-1].max() + 1)).cumsum()])
    sums = copies - (rank - hits) * (harmonic[rank] - harmonic[rank - copies])
    total = hits[-1]
    return np.where(total > 0, sums.sum(axis=0) / np.maximum(total, 1), np.nan)


def centred(values: np.ndarray, measured: float | np.ndarray) -> np.ndarray:
    """Replicates (..., R), shifted so that their mean is the `measured` value (...).

    Images that are drawn twice lift the AP of rare classes in every replicate, which no new sample
    of images would do; the shift takes that out and leaves the spread.
    """
    mean = protocols.mean_of_some(values, ~np.isnan(values))
    return values + np.expand_dims(measured - mean, -1)


def interval(
    values: np.ndarray, measured: float | np.ndarray, percent: float = 95
) -> tuple[np.ndarray, np.ndarray]:
    """The percentile interval (low, high) of `centred` replicates (..., R), NaN ones left out."""
    tail = (100 - percent) / 2
    undefined = np.isnan(values).all(axis=-1) | np.isnan(measured)
    values = np.where(undefined[..., None], 0, centred(values, measured))
    low, high = np.nanpercentile(values, [tail, 100 - tail], axis=-1)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)
