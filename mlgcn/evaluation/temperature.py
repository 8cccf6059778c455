"""The temperature of multi-label probabilities. Pure numpy.

Labels of -1 (difficult, unknown) take no part in anything here.
"""

import math

import numpy as np

COLDEST, HOTTEST = 0.05, 20.0
SAMPLE, BLOCK = 100_000, 2**16  # BLOCK: what a processor's cache holds


def at_temperature(logits: np.ndarray, temperature: float) -> np.ndarray:
    """sigmoid(logits / temperature), computed in float64, as float32 of the same shape."""
    return _sigmoid(np.asarray(logits, np.float64) / temperature).astype(np.float32)


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The T, from 0.05 to 20, with the least negative log-likelihood of sigmoid(logits / T).

    Temperature scaling (Guo et al., ICML 2017), here for independent labels: one number for all
    classes. The likelihood is concave in 1/T; its only maximum is found by Newton's steps inside a
    shrinking bracket, the first of them on a sample.

    Args:
        logits: (N, K).
        targets: (N, K) of 1, 0, -1.
    """
    counted = targets >= 0
    z, y = logits[counted].astype(np.float64), targets[counted] == 1
    thin = slice(None, None, len(z) // SAMPLE + 1)
    return 1 / _best_scale(z, y, _best_scale(z[thin], y[thin], 1.0))


def _best_scale(z: np.ndarray, y: np.ndarray, scale: float) -> float:
    """The factor of `z`, from 1/20 to 20, with the least negative log-likelihood of `y`."""
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(60):
        slope = curvature = 0.0
        for start in range(0, len(z), BLOCK):
            part, present = z[start : start + BLOCK], y[start : start + BLOCK]
            p = _sigmoid(scale * part)
            slope += np.dot(part, p - present)
            curvature += np.dot(part * part, p * (1 - p))
        low, high = (scale, high) if slope < 0 else (low, scale)
        newton = scale - slope / curvature if curvature > 0 else math.nan
        before, scale = scale, newton if low < newton < high else math.sqrt(low * high)
        if abs(scale - before) <= 1e-6 * before:
            break
    return scale


def negative_log_likelihood(logits: np.ndarray, targets: np.ndarray) -> float:
    """Mean over the counted labels of -log p(label), p = sigmoid(logits), in nats."""
    counted = targets >= 0
    z, y = logits[counted].astype(np.float64), targets[counted] == 1
    return float(np.mean(np.logaddexp(0, np.where(y, -z, z)))) if len(z) else math.nan


def _sigmoid(z: np.ndarray) -> np.ndarray:
    with np.errstate(over='ignore'):
        return 1 / (1 + np.exp(-z))
