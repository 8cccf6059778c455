"""Temperature and thresholds: fitted, measured on held-out images, used; -1 is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from .protocols import PRF_NAMES, precision_recall
from .thresholds import ChosenThresholds, Objective, choose_thresholds

COLDEST, HOTTEST = 0.05, 20.0


def at_temperature(logits: np.ndarray, temperature: float) -> np.ndarray:
    """sigmoid(logits / temperature), computed in float64, as float32 of the same shape."""
    with np.errstate(over='ignore'):  # exp of large negative logits: the probability is 0
        return (1 / (1 + np.exp(-np.asarray(logits, np.float64) / temperature))).astype(np.float32)


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The T, from 0.05 to 20, with the least negative log-likelihood of sigmoid(logits / T).

    Temperature scaling (Guo et al., ICML 2017) of independent labels: one number for all classes of
    logits (N, K) and targets (N, K).
    """
    z, y = _known(logits, targets)
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    limits = dict(max_iter=100, tolerance_grad=1e-12, tolerance_change=1e-14)
    optimizer = torch.optim.LBFGS([scale], **limits, line_search_fn='strong_wolfe')

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = binary_cross_entropy_with_logits(scale * z, y)
        loss.backward()
        return loss

    optimizer.step(closure)
    # convex in 1/T, so an optimum beyond a bound makes that bound the best value within
    return 1 / min(max(scale.item(), 1 / HOTTEST), 1 / COLDEST)


def negative_log_likelihood(logits: np.ndarray, targets: np.ndarray) -> float:
    """Mean over the known labels of -log p(label), p = sigmoid(logits), in nats."""
    return float(binary_cross_entropy_with_logits(*_known(logits, targets)))


def _known(logits: np.ndarray, targets: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and labels of 1 and 0, float64 and flat, without the labels of -1."""
    known = targets >= 0
    return tuple(torch.from_numpy(table[known].astype(np.float64)) for table in (logits, targets))


class Reliability(NamedTuple):
    """Probabilities in B equal bins of [0, 1]."""

    count: np.ndarray  # (B,)
    predicted: np.ndarray  # (B,) mean probability
    observed: np.ndarray  # (B,) share of labels that are present
    error: float  # ECE (Guo et al., ICML 2017): mean over labels of |predicted - observed|


def reliability(probabilities: np.ndarray, targets: np.ndarray, bins: int = 15) -> Reliability:
    """How often labels are present that are given a probability; see :class:`Reliability`."""
    known = targets >= 0
    p, y = probabilities[known].astype(np.float64), targets[known].astype(np.float64)
    count, total, present = (np.histogram(p, bins, (0, 1), weights=w)[0] for w in (None, p, y))
    predicted, observed = (part / np.maximum(count, 1) for part in (total, present))
    error = float(np.dot(count, np.abs(predicted - observed)) / max(count.sum(), 1))
    return Reliability(count, predicted, observed, error)


def calibrate(
    logits: np.ndarray,
    targets: np.ndarray,
    classes: Sequence[str],
    objective: str,
    per_class: bool = True,
    min_positives: int = 10,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, Reliability]]:
    """Fit temperature and thresholds on half of the images, measure on the rest, then fit on all.

    Logits (N, K), targets (N, K) of 1, 0, -1 and K names; `objective` as :meth:`Objective.parse`
    reads it, `per_class` and `min_positives` of :func:`choose_thresholds`, `seed` of the halves.
    Gives the entry `calibration` of a checkpoint's metadata, in plain values (docs/predictions.md),
    and the reliability on the held-out images, {title: before, title: after}. ValueError: fewer
    than 4 images, infinite or NaN logits, no positive, unknown objective.
    """
    aim = Objective.parse(objective)
    finite, positives = np.isfinite(logits).all(), (targets == 1).sum()
    if len(logits) < 4 or not finite or not positives:
        seen = f'{len(logits)} images with {positives} positive labels and logits that are '
        seen += 'finite' if finite else 'NaN or infinite'
        raise ValueError(f'cannot calibrate on {seen}: expected 4 images, 1 positive')
    order = np.random.default_rng(seed).permutation(len(logits))
    fitted, held = np.split(order, [len(order) // 2])
    options = aim, per_class, min_positives
    half, chosen = _fit(logits[fitted], targets[fitted], *options)
    data = logits[held], targets[held]
    before, first = _measure(1.0, np.float32(0.5), data, aim, per_class)
    after, second = _measure(half, chosen.values, data, aim, per_class)
    temperature, chosen = _fit(logits, targets, *options)
    record = {
        'temperature': temperature,
        'thresholds': chosen.values.tolist(),
        'objective': objective,
        'scope': 'per class' if per_class else 'all decisions',
        'images': len(logits),
        'pooled': list(compress(classes, chosen.shared & per_class)),
        'pooled_over': chosen.pooled_over,
        'not_reached': list(compress(classes, ~chosen.reached)),
        'held_out': {'images': len(held), 'before': before, 'after': after},
    }
    return record, {'temperature 1': first, f'fitted temperature {half:.3g}': second}


def _fit(logits: np.ndarray, targets: np.ndarray, *options) -> tuple[float, ChosenThresholds]:
    temperature = fit_temperature(logits, targets)
    return temperature, choose_thresholds(at_temperature(logits, temperature), targets, *options)


def _measure(
    temperature: float, thresholds: np.ndarray, data: tuple, objective: Objective, per_class: bool
) -> tuple[dict[str, float], Reliability]:
    """Likelihood, calibration, the literature's six in percent, and the objective's own value."""
    logits, targets = data
    probabilities, positive = at_temperature(logits, temperature), targets == 1
    diagram = reliability(probabilities, targets)
    present = (probabilities >= thresholds) & (targets >= 0)
    tables = present & positive, present & ~positive, positive
    hits, wrong, positives = counts = [table.sum(axis=0) for table in tables]
    six = precision_recall(hits, hits + wrong, positives, positives > 0, 'gkgnet')
    if not per_class:
        counts = [np.atleast_1d(count.sum()) for count in counts]
    value, reached = objective.values(*counts)
    name, scope = objective.name, 'mean of classes' if per_class else 'all decisions'
    if name == 'cost':
        own = 'cost per image', -value.sum() / len(targets)
    elif objective.target:
        own = f'% reach {name} {objective.target:g}, {scope}', 100 * reached.mean()
    else:
        own = f'{name.upper()}, {scope}', 100 * value[counts[2] > 0].mean()
    loss = negative_log_likelihood(logits / temperature, targets)
    percent = zip(('ECE', *PRF_NAMES), 100 * np.array([diagram.error, *six]))
    return {key: float(number) for key, number in [('NLL', loss), *percent, own]}, diagram


@dataclass(frozen=True)
class Calibration:
    """`temperature` divides logits; label k is present from the probability `thresholds[k]` on."""

    temperature: float
    thresholds: np.ndarray  # (K,) float32
    source: str  # in words, of both

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """sigmoid(logits / temperature), float32 of any shape; computed in float64."""
        return at_temperature(logits, self.temperature)

    def present(self, probabilities: np.ndarray) -> np.ndarray:
        """Whether each label is present: bool (..., K) of probabilities (..., K)."""
        return probabilities >= self.thresholds

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], num_classes: int) -> 'Calibration':
        """Of a checkpoint's `metadata['calibration']`; without one, temperature 1 and 0.5 for all.

        ValueError where it is not a temperature above 0 and one number per class.
        """
        stated, plain = metadata.get('calibration'), np.full(num_classes, 0.5, np.float32)
        if stated is None:
            return cls(1.0, plain, 'threshold 0.5, not calibrated')
        try:
            temperature = float(stated['temperature'])
            thresholds = np.asarray(stated['thresholds'], np.float32)
            source = f'calibrated for {stated["objective"]} on {int(stated["images"])} images'
            good = thresholds.shape == plain.shape and np.isfinite([temperature, *thresholds]).all()
            if not good or temperature <= 0:
                seen = f'temperature {temperature}, thresholds of shape {thresholds.shape}'
                raise ValueError(f'{seen}; expected more than 0, and {num_classes} finite numbers')
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise ValueError(f"metadata['calibration'] is damaged: {error!r}") from error
        return cls(temperature, thresholds, source)
