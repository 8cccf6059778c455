"""How published evaluators order images, average precisions and decide; see `published`."""

import numpy as np
import torch
from mmpretrain.evaluation import MultiLabelMetric

from .protocols import PRF_NAMES

Values = dict[str, float]


def guarded_mean(precisions: np.ndarray) -> float:
    return precisions.sum() / (len(precisions) + 1e-8)  # ASL's guard against division by zero


def envelope(precisions: np.ndarray) -> float:
    """Area under the precision-recall curve made monotone from the right (VOC 2010 and later)."""
    return np.maximum.accumulate(precisions[::-1]).mean()


def eleven_points(precisions: np.ndarray) -> float:
    """The mean over recalls 0, .1, .. 1 of the best precision from that recall on (VOC 2007)."""
    recall = np.arange(1, len(precisions) + 1) / len(precisions)
    # as published: recall often is an exact tenth, and arange's .3, .6, .7 are one ulp too large
    return np.mean([precisions[recall >= t].max(initial=0) for t in np.arange(0, 1.1, 0.1)])


def reversed_argsort(scores: np.ndarray) -> np.ndarray:
    return np.argsort(scores)[::-1]


def negative_argsort(scores: np.ndarray) -> np.ndarray:
    return np.argsort(-scores)


def stable_argsort(scores: np.ndarray) -> np.ndarray:
    return np.argsort(-scores, kind='stable')


def torch_argsort(scores: np.ndarray) -> np.ndarray:
    return torch.argsort(torch.from_numpy(scores), descending=True).numpy()


def asl_decisions(scores: np.ndarray, targets: np.ndarray, threshold: float) -> Values:
    """P, R, F of ASL's `validate`: CF1 is the mean of the classes' F.

    A bug counts an unknown label that is not predicted as a false positive.
    """
    predicted, positive = scores > threshold, targets == 1
    hits = (predicted & positive).sum(axis=0)
    wrong = np.where(predicted, targets == 0, targets == -1).sum(axis=0)
    p, r, f = _prf(hits, np.maximum(hits + wrong, 1), np.maximum(positive.sum(axis=0), 1))
    overall = _prf(hits.sum(), (hits + wrong).sum(), positive.sum())
    six = p.mean(), r.mean(), np.where(hits > 0, f, 0).mean(), *overall
    return dict(zip(PRF_NAMES, 100 * np.array(six)))


def csra_decisions(scores: np.ndarray, targets: np.ndarray, known_only: bool) -> Values:
    """P, R, F of CSRA; a class that is never predicted counts 1 in the denominators of P.

    Unknown labels are dropped (VOC) or negatives (WIDER).
    """
    top3 = np.zeros(scores.shape, bool)
    np.put_along_axis(top3, np.argsort(-scores, axis=1)[:, :3], True, axis=1)
    values, positive = {}, targets == 1
    for suffix, kept in (('', np.ones_like(top3)), ('_top3', top3)):
        predicted = (scores >= 0.5) & kept & ((targets >= 0) | (not known_only))
        hits, positives = (predicted & positive).sum(axis=0), positive.sum(axis=0)
        tried = np.maximum(predicted.sum(axis=0), 1)
        cp, cr, _ = (part.mean() for part in _prf(hits, tried, positives))
        six = cp, cr, 2 * cp * cr / (cp + cr), *_prf(hits.sum(), tried.sum(), positives.sum())
        values |= {name + suffix: 100 * value for name, value in zip(PRF_NAMES, six)}
    return values


def mmpretrain_decisions(scores: np.ndarray, targets: np.ndarray) -> Values:
    """P, R, F of mmpretrain: CF1 is the mean of the classes' F1, top-3 has no threshold."""
    values = {}
    for suffix, options in (('', dict(thr=0.5)), ('_top3', dict(topk=3))):
        for average, names in (('macro', PRF_NAMES[:3]), ('micro', PRF_NAMES[3:])):
            # a copy: it sets unknown labels to 0 in place
            prf = MultiLabelMetric.calculate(scores, targets.copy(), average=average, **options)
            values |= {name + suffix: float(value) for name, value in zip(names, prf)}
    return values


def _prf(hits: np.ndarray, predicted: np.ndarray, positives: np.ndarray) -> tuple:
    """Precision, recall and F1, NaN where they divide 0 by 0."""
    p, r = hits / np.float64(predicted), hits / np.float64(positives)
    return p, r, 2 * p * r / (p + r)


def half_sigmoid(logits: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(logits.half())
