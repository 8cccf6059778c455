"""How papers remove labels from complete data sets, with their own random numbers.

Labels (N, K) are int8: 1 positive, 0 negative, -1 unknown. What is unknown before stays unknown.
Every rule depends on the order of images and classes, so a mask is drawn once and saved.
Source: the papers' code as `RULES` names it; numpy freezes the streams of `RandomState`.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.random import RandomState


def keep_share(labels: np.ndarray, random: RandomState, share: float) -> np.ndarray:
    """Each label, positive or negative, stays known with probability `share`.

    One uniform number per image and class: a mask of a smaller share lies inside a larger one's.
    """
    known = [random.random_sample(len(row)) < share for row in labels]
    return np.where(known, labels, -1)


def hide_share(labels: np.ndarray, random: RandomState, share: float) -> np.ndarray:
    """RPS: each label is hidden with probability `share`."""
    hidden = [random.random_sample(len(row)) < share for row in labels]
    return np.where(hidden, -1, labels)


def observe(labels: np.ndarray, random: RandomState, num_pos: float, num_neg: float) -> np.ndarray:
    """Of each image `num_pos` positives and `num_neg` negatives stay known; -1: all of them."""
    seen = np.full_like(labels, -1)
    for row, out in zip(labels, seen):
        for value, number in ((1, num_pos), (0, num_neg)):
            places = np.flatnonzero(row == value)
            random.shuffle(places)  # negatives too where none is kept: the stream needs it
            out[places if number < 0 else places[: int(number)]] = value
    return seen


def keep_positives(labels: np.ndarray, random: RandomState, divisor: float) -> np.ndarray:
    """Of an image's n positives floor(n / divisor) + 1 stay, the others turn into negatives.

    The counts are those of the published lists. Which ones are kept there was not published.
    """
    kept = np.where(labels == 1, 0, labels)
    for row, out in zip(labels, kept):
        places = np.flatnonzero(row == 1)
        number = min(int(len(places) // divisor) + 1, len(places))
        out[random.choice(places, number, replace=False) if number else []] = 1
    return kept


def keep_per_class(labels: np.ndarray, random: RandomState, number: float) -> np.ndarray:
    """FPC: of each class `number` positives stay known, then as many negatives."""
    seen = np.full_like(labels, -1)
    for column, out in zip(labels.T, seen.T):
        for value in (1, 0):
            places = np.flatnonzero(column == value)
            out[random.choice(places, min(int(number), len(places)), replace=False)] = value
    return seen


class Rule(NamedTuple):
    """One paper's way to remove labels."""

    hide: Callable[..., np.ndarray]  # of labels (N, K), random numbers and the amounts
    amounts: dict[str, float]  # {name: default}
    seed: int  # the published one, or 0 where that code has none
    words: str
    limits: tuple[float, float] = (0, 1)


COUNTS = (-1, 2**31)
RULES = {
    'partial': Rule(keep_share, {'share': 0.1}, 0, 'known with this probability (SST, SARB, HST)'),
    'single': Rule(
        observe, {'positives': 1, 'negatives': 0}, 1200,
        'positives and negatives of an image that stay known; -1: all (Cole et al.)', COUNTS,
    ),
    'hill75': Rule(partial(keep_positives, divisor=2), {}, 0, '75 % of the positives (Hill, SPLC)'),
    'hill40': Rule(partial(keep_positives, divisor=5), {}, 0, '40 % of the positives (Hill, SPLC)'),
    'hill1': Rule(
        partial(keep_positives, divisor=np.inf), {}, 0, 'one positive of an image (Hill, SPLC)'
    ),
    'rps': Rule(hide_share, {'share': 0.5}, 0, 'hidden with this probability (CSL)'),
    'fpc': Rule(
        keep_per_class, {'number': 1000}, 0, 'positives, and negatives, of a class (CSL)',
        (0, COUNTS[1]),
    ),
}  # fmt: skip


def hide_labels(
    labels: np.ndarray, rule: str, amounts: Sequence[float] = (), seed: int | None = None
) -> np.ndarray:
    """What the rule of `RULES` leaves of `labels` (N, K): int8, unknown is -1.

    Raises:
        ValueError: labels that are not 1, 0, -1; amounts that the rule does not take.
    """
    labels, chosen = np.asarray(labels), RULES[rule]
    values = np.unique(labels)
    if labels.ndim != 2 or not np.isin(values, (1, 0, -1)).all():
        seen = f'{labels.shape} of {values[:5].tolist()}'
        raise ValueError(f'labels: expected (N, K) of 1, 0 and -1 (unknown), seen {seen}')
    amounts = list(amounts) or list(chosen.amounts.values())
    names = ', '.join(chosen.amounts) or 'no amount'
    low, high = chosen.limits
    if len(amounts) != len(chosen.amounts) or not all(low <= a <= high for a in amounts):
        raise ValueError(f'{rule}: expected {names} from {low} to {high}, seen {amounts}')
    random = RandomState(chosen.seed if seed is None else seed)
    return chosen.hide(labels.astype(np.int8), random, *amounts)


def published_order(file_names: Sequence[str]) -> list[int]:
    """The order of images in Cole et al.: COCO's ids sorted as strings, other names sorted."""
    stems = (PurePosixPath(name).stem for name in file_names)
    keys = [re.sub(r'^(COCO_\w+?_)?0*(?=\d+$)', '', stem) for stem in stems]
    return sorted(range(len(keys)), key=keys.__getitem__)


def split_rows(number: int, share: float = 0.2, seed: int = 1200) -> tuple[list[int], list[int]]:
    """Cole et al.'s validation set, cut from `number` training images: (kept, cut off), sorted."""
    order = RandomState(seed).permutation(number)
    cut = number - int(np.round(share * number))
    return sorted(order[:cut].tolist()), sorted(order[cut:].tolist())
