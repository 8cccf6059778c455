"""The evaluators of other papers and libraries: how each ranks, decides and averages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from mlgcn.ops.c_kernels import order_of_halves

from .protocols import as_float32


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


def reversed_argsort_of_halves(scores: np.ndarray) -> np.ndarray:
    return order_of_halves(scores)[::-1]


def negative_argsort(scores: np.ndarray) -> np.ndarray:
    return np.argsort(-scores)


def stable_argsort(scores: np.ndarray) -> np.ndarray:
    return np.argsort(-scores, kind='stable')


def torch_argsort(scores: np.ndarray) -> np.ndarray:
    return torch.argsort(torch.from_numpy(scores), descending=True).numpy()


def half_sigmoid(logits: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(logits.half())


def sigmoid(logits: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(as_float32(logits))


def asl_predictions(scores: np.ndarray, targets: np.ndarray, threshold: float) -> list[np.ndarray]:
    # a bug of theirs: an unknown label that is not predicted counts as a false positive
    return [np.where(scores > threshold, targets >= 0, targets == -1)]


def asl_figures(hits: np.ndarray, predicted: np.ndarray, positives: np.ndarray) -> tuple:
    """P, R, F of ASL's `validate`: CF1 is the mean of the classes' F."""
    p, r, f = _prf(hits, np.maximum(predicted, 1), np.maximum(positives, 1))
    overall = _prf(hits.sum(), predicted.sum(), positives.sum())
    return p.mean(), r.mean(), np.where(hits > 0, f, 0).mean(), *overall


def csra_predictions(scores: np.ndarray, targets: np.ndarray, known_only: bool) -> list[np.ndarray]:
    """Unknown labels are dropped (VOC) or negatives (WIDER); top-3 are exactly three."""
    predicted = (scores >= 0.5) & ((targets >= 0) | (not known_only))
    values, best = (part.numpy() for part in torch.from_numpy(scores).topk(min(4, scores.shape[1])))
    # where the fourth score equals the third, numpy's sort of all decides, which takes long
    for row in np.flatnonzero((values[:, 2:3] == values[:, 3:]).any(axis=1)):
        best[row, :3] = np.argsort(-scores[row])[:3]
    top3 = np.zeros(scores.shape, bool)
    np.put_along_axis(top3, best[:, :3], True, axis=1)
    return [predicted, predicted & top3]


def csra_figures(hits: np.ndarray, predicted: np.ndarray, positives: np.ndarray) -> tuple:
    tried = np.maximum(predicted, 1)  # as published, in the sum over classes too
    cp, cr, _ = (part.mean() for part in _prf(hits, tried, positives))
    return cp, cr, 2 * cp * cr / (cp + cr), *_prf(hits.sum(), tried.sum(), positives.sum())


def mmpretrain_predictions(scores: np.ndarray, targets: np.ndarray) -> list[np.ndarray]:
    """Unknown labels are dropped; top-3 has no threshold."""
    best = torch.from_numpy(scores).topk(min(3, scores.shape[1])).indices
    top3 = torch.zeros(scores.shape, dtype=torch.bool).scatter_(1, best, True).numpy()
    return [(scores >= 0.5) & (targets >= 0), top3 & (targets >= 0)]


def mmpretrain_figures(*counts: np.ndarray) -> np.ndarray:
    return np.nan_to_num(asl_figures(*counts))  # CF1 is the mean of the classes' F1 there, too


def _prf(hits: np.ndarray, predicted: np.ndarray, positives: np.ndarray) -> tuple:
    """Precision, recall and F1, NaN where they divide 0 by 0."""
    p, r = hits / np.float64(predicted), hits / np.float64(positives)
    return p, r, 2 * p * r / (p + r)


@dataclass(frozen=True)
class Evaluator:
    """How one evaluator works; a text in the place of an AP is the exception it ends with."""

    words: str  # the same for readers
    ap: Callable[[np.ndarray], float]  # of a class, from the precisions at its ranked positives
    order: Callable[[np.ndarray], np.ndarray] | None  # of scores (N,); None: equal ones are one
    empty: float | str = 0.0  # AP of a class without positives; 'skip': left out
    unknown: float | str = 0.0  # AP of a class without any known label
    masked: bool = True  # labels of -1 are dropped; otherwise they are negatives
    scores: Callable[[torch.Tensor], torch.Tensor] = sigmoid  # of logits (N, K)
    # booleans (B, K) of scores and targets: predicted, and predicted among the top three
    predict: Callable[[np.ndarray, np.ndarray], list[np.ndarray]] | None = None
    # CP, CR, CF1, OP, OR, OF1 as fractions, of hits, predictions and positives (K,)
    figures: Callable[..., Sequence[float]] | None = None
    averages: tuple[str, ...] = ()  # further means: '_weighted' by positives, '_micro', '_samples'


asl = Evaluator(
    'AP as ADD-GCN; p > 0.8; CF1 is the mean of F1; unknown is negative',
    guarded_mean, reversed_argsort, masked=False,
    predict=partial(asl_predictions, threshold=0.8), figures=asl_figures,
)  # fmt: skip
csra = Evaluator(
    'AP as ADD-GCN; p >= 0.5; unknown is left out', np.mean, negative_argsort,
    empty='ZeroDivisionError', unknown='ZeroDivisionError',
    predict=partial(csra_predictions, known_only=True), figures=csra_figures,
)  # fmt: skip
voc2010 = Evaluator(
    'area under the monotone envelope', envelope, stable_argsort,
    empty=np.nan, scores=as_float32,
)  # fmt: skip
torchmetrics = Evaluator(
    'equal scores are one threshold', np.mean, None,
    unknown='IndexError', averages=('mAP_weighted', 'mAP_micro'),
)  # fmt: skip
EVALUATORS = {
    'asl': asl,
    'ml_decoder': replace(
        asl, words='as asl on float16 scores; p > 0.75', scores=half_sigmoid,
        order=reversed_argsort_of_halves,
        predict=partial(asl_predictions, threshold=0.75),
    ),
    'query2label': replace(
        voc2010, words='area under the monotone envelope; unknown is negative',
        order=negative_argsort, masked=False, scores=sigmoid,
    ),
    'csra': csra,
    'csra_wider': replace(
        csra, words='as csra; unknown is negative in P, R, F',
        predict=partial(csra_predictions, known_only=False),
    ),
    'mmpretrain': Evaluator(
        'AP as ADD-GCN; p >= 0.5; CF1 is the mean of F1; top-3 without a threshold',
        np.mean, torch_argsort, unknown='IndexError',
        predict=mmpretrain_predictions, figures=mmpretrain_figures,
    ),
    'voc2007': replace(voc2010, words='11 points of the curve', ap=eleven_points, empty=0.0),
    'voc2010': voc2010,
    'torchmetrics': torchmetrics,
    'sklearn': replace(torchmetrics, averages=('mAP_weighted', 'mAP_micro', 'mAP_samples')),
    'openimages': Evaluator(
        'AP as ADD-GCN over verified labels; classes without positives or negatives are left out',
        guarded_mean, reversed_argsort, empty='skip', unknown='skip',
        averages=('mAP_weighted',),
    ),
}  # fmt: skip
