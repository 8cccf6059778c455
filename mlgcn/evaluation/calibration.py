"""Temperature and thresholds of a model, and what to expect of them. Pure numpy.

Labels of -1 (difficult, unknown) take no part in anything here.
"""

from dataclasses import dataclass

import numpy as np

from .multilabel_result import PRF_NAMES
from .objective import Objective
from .protocols import precision_recall
from .reliability import Reliability, reliability
from .temperature import at_temperature, fit_temperature, negative_log_likelihood
from .thresholds import ChosenThresholds, choose_thresholds


@dataclass(frozen=True)
class Fit:
    """A temperature and thresholds for probabilities at that temperature."""

    temperature: float
    thresholds: ChosenThresholds


@dataclass(frozen=True)
class CalibrationResult:
    """What to use, and what to expect of it.

    Args:
        final: fitted on all N images.
        half: fitted on the other half of the images, for `before` and `after`.
        before, after: measures (name to number) on the `held_out` images, of temperature 1 and
            threshold 0.5, and of `half`.
        diagrams: the reliability before and after, on the held-out images.
        held_out: their number.
        images: N.
    """

    final: Fit
    half: Fit
    before: dict[str, float]
    after: dict[str, float]
    diagrams: tuple[Reliability, Reliability]
    held_out: int
    images: int


def calibrate(
    logits: np.ndarray,
    targets: np.ndarray,
    objective: Objective,
    per_class: bool = True,
    min_positives: int = 10,
    seed: int = 0,
) -> CalibrationResult:
    """Fit temperature and thresholds on half of the images, measure on the rest, then fit on all.

    Args:
        logits: float (N, K).
        targets: (N, K) of 1, 0, -1.
        per_class, min_positives: see :func:`choose_thresholds`.
        seed: of the split in two halves.

    Raises:
        ValueError: fewer than 4 images, NaN or infinite logits, or no positive label.
    """
    number = len(logits)
    if number < 4:
        raise ValueError(f'{number} images to calibrate on, expected at least 4')
    if not np.isfinite(logits).all():
        raise ValueError('the logits hold NaN or infinite values')
    if not (targets == 1).any():
        raise ValueError('no image has a positive label: nothing to calibrate on')
    order = np.random.default_rng(seed).permutation(number)
    fitted, held = order[: number // 2], order[number // 2 :]

    def fit(rows: np.ndarray) -> Fit:
        temperature = fit_temperature(logits[rows], targets[rows])
        probabilities = at_temperature(logits[rows], temperature)
        chosen = choose_thresholds(
            probabilities, targets[rows], objective, per_class, min_positives
        )
        return Fit(temperature, chosen)

    half, final = fit(fitted), fit(np.arange(number))
    plain = np.full(logits.shape[1], 0.5, np.float32)
    measured = [
        _measure(logits[held] / temperature, thresholds, targets[held], objective, per_class)
        for temperature, thresholds in ((1, plain), (half.temperature, half.thresholds.values))
    ]
    (before, first), (after, second) = measured
    return CalibrationResult(final, half, before, after, (first, second), len(held), number)


def _measure(
    logits: np.ndarray,
    thresholds: np.ndarray,
    targets: np.ndarray,
    objective: Objective,
    per_class: bool,
) -> tuple[dict[str, float], Reliability]:
    """Likelihood, calibration, the literature's six in percent, and the objective's own value."""
    probabilities = at_temperature(logits, 1)
    diagram = reliability(probabilities, targets)
    present = (probabilities >= thresholds) & (targets >= 0)
    positive = targets == 1
    hits, positives = (present & positive).sum(axis=0), positive.sum(axis=0)
    six = precision_recall(hits, present.sum(axis=0), positives, positives > 0, 'gkgnet')
    wrong = present.sum(axis=0) - hits
    if not per_class:
        hits, wrong, positives = (np.atleast_1d(n.sum()) for n in (hits, wrong, positives))
    value, reached = objective.values((hits, wrong, positives))
    name = objective.name
    if name in ('f1', 'f2'):
        own = {f'{name.upper()}, mean of classes': 100 * float(value[positives > 0].mean())}
        if not per_class:
            own = {f'{name.upper()} of all decisions': 100 * float(value[0])}
    elif name == 'cost':
        own = {'cost per image': -float(value.sum()) / len(targets)}
    else:
        own = {f'classes that reach {name} {objective.target:g}': float(reached.sum())}
        if not per_class:
            own = {f'{name} {objective.target:g} of all decisions reached': float(reached[0])}
    return {
        'NLL': negative_log_likelihood(logits, targets),
        'ECE': 100 * diagram.error,
        **{name: 100 * float(value) for name, value in zip(PRF_NAMES, six)},
        **own,
    }, diagram
