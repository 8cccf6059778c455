"""Folds for cross-validation that keep photographs of one occasion on one side."""

from collections.abc import Sequence

import numpy as np

# Cosine of centred features from which two images are of one occasion. Inside Aquarium's training
# split 0.6 gives nearly the mAP of folds of blocks of consecutive photographs (91.3; 90.1); 0.7
# leaves bursts on both sides (94.1), 0.5 puts whole classes into one group (78.3).
SIMILAR = 0.6


def similar_groups(features: np.ndarray, least: float = SIMILAR) -> np.ndarray:
    """Groups of images that look alike, (N,) numbers from 0 on.

    Two images of features (N, C) are in one group where a chain of images leads from one to the
    other, each with a cosine of `least` to the next (single linkage). Channels are centred first.
    """
    centred = features - features.mean(axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    groups = np.arange(len(centred))
    for i, row in enumerate(centred):  # a row at a time: N x N cosines need not fit in memory
        near = groups[np.flatnonzero(centred[: i + 1] @ row >= least)]
        groups[np.isin(groups, near)] = near.min()
    return numbered(groups)


def numbered(groups: Sequence) -> np.ndarray:
    """Names of groups (N,) as numbers from 0 on."""
    return np.unique(np.asarray(groups), return_inverse=True)[1]


def group_folds(groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold, 0 to folds - 1, of each of N images in groups (N,); a group is in one fold.

    Groups are shuffled, and the largest first join the smallest fold.

    Raises:
        ValueError: fewer groups than folds.
    """
    sizes = np.bincount(groups)
    if len(sizes) < folds:
        raise ValueError(f'{len(sizes)} groups of photographs, expected at least {folds} (--folds)')
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    fold_of, total = np.empty(len(sizes), int), np.zeros(folds, int)
    for group in shuffled[np.argsort(-sizes[shuffled], kind='stable')]:
        fold_of[group] = total.argmin()
        total[fold_of[group]] += sizes[group]
    return fold_of[groups]


def share_of_groups(groups: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Indices of about `share` of N images, in whole groups; smaller shares are parts of larger."""
    order = np.random.default_rng(seed).permutation(groups.max() + 1)
    rank = np.argsort(order)[groups]
    by_group = np.argsort(rank, kind='stable')
    last = rank[by_group[max(round(share * len(groups)) - 1, 0)]]
    return np.flatnonzero(rank <= last)


def draw_groups(groups: np.ndarray, replicates: int, seed: int = 0) -> np.ndarray:
    """As :func:`~.bootstrap.draw_images`, uint8 (images, replicates), but drawing whole groups.

    Frames of one burst are one observation: drawing images would make intervals too narrow.
    """
    rng, count = np.random.default_rng(seed), groups.max() + 1
    drawn = [
        np.bincount(rng.integers(count, size=count), minlength=count) for _ in range(replicates)
    ]
    return np.stack(drawn, axis=1).astype(np.uint8)[groups]
