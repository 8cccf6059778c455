"""The evaluators of other papers and libraries on the same logits: why published numbers differ.

:func:`published_scores` follows one of them, :func:`compare_protocols` all. Each equals the
published code on its own outputs, with its NaN and errors; ADD-GCN's and GKGNet's are in
`multilabel_scores`.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from mmpretrain.evaluation import MultiLabelMetric

from .ap_rules import (
    eleven_points,
    envelope,
    guarded_mean_precision,
    mean_precision,
    tied_mean_precision,
)
from .multilabel_scores import MultiLabelResult, check_input, multilabel_scores
from .protocols import PRF_NAMES, PROTOCOLS

Values = dict[str, float]


@dataclass(frozen=True)
class Evaluator:
    """How one evaluator works.

    Args:
        words: the same for readers.
        ap: AP of one class from its positives (N,) in the order of the scores.
        order: the ranks of the scores (N,) of one class.
        empty: AP of a class without positives; 'ZeroDivisionError' where that ends the program.
        unknown: what a class without any known label does: as `empty`, or 'IndexError'.
        masked: labels of -1 are dropped; otherwise they are negatives.
        scores: of logits (N, K).
        decide: P, R and F from scores (N, K) and targets (N, K) of 1, 0, -1.
        averages: further means: 'mAP_weighted' (by positives), 'mAP_micro', 'mAP_samples'.
    """

    words: str
    ap: Callable[[np.ndarray, np.ndarray], float]
    order: Callable[[np.ndarray], np.ndarray]
    empty: float | str = 0.0
    unknown: float | str = 0.0
    masked: bool = True
    scores: Callable[[torch.Tensor], torch.Tensor] = torch.sigmoid
    decide: Callable[[np.ndarray, np.ndarray], Values] | None = None
    averages: tuple[str, ...] = ()


def reversed_argsort(scores: np.ndarray) -> np.ndarray:
    return np.argsort(scores)[::-1]


def negative_argsort(scores: np.ndarray) -> np.ndarray:
    return np.argsort(-scores)


def stable_argsort(scores: np.ndarray) -> np.ndarray:
    return np.argsort(-scores, kind='stable')


def torch_argsort(scores: np.ndarray) -> np.ndarray:
    return torch.argsort(torch.from_numpy(scores), descending=True).numpy()


def asl_decisions(threshold: float) -> Callable[[np.ndarray, np.ndarray], Values]:
    """P, R, F of ASL's `validate`: CF1 is the mean of the classes' F; a bug counts an unknown
    label that is not predicted as a false positive."""

    def decide(scores: np.ndarray, targets: np.ndarray) -> Values:
        predicted, positive = scores > threshold, targets == 1
        hits = (predicted & positive).sum(axis=0)
        wrong = np.where(predicted, targets == 0, targets == -1).sum(axis=0)
        p, r, f = _prf(hits, np.maximum(hits + wrong, 1), np.maximum(positive.sum(axis=0), 1))
        p_all, r_all, f_all = _prf(hits.sum(), (hits + wrong).sum(), positive.sum())
        means = p.mean(), r.mean(), np.where(hits > 0, f, 0).mean()
        return dict(zip(PRF_NAMES, 100 * np.array([*means, p_all, r_all, f_all])))

    return decide


def csra_decisions(known_only: bool) -> Callable[[np.ndarray, np.ndarray], Values]:
    """P, R, F of CSRA; a class that is never predicted counts 1 in the denominators of P.

    Unknown labels are dropped (VOC) or negatives (WIDER).
    """

    def decide(scores: np.ndarray, targets: np.ndarray) -> Values:
        order = np.argsort(-scores, axis=1)
        top3 = np.zeros(scores.shape, bool)
        np.put_along_axis(top3, order[:, :3], True, axis=1)
        values, positive = {}, targets == 1
        for suffix, kept in (('', np.ones_like(top3)), ('_top3', top3)):
            predicted = (scores >= 0.5) & kept & ((targets >= 0) | (not known_only))
            hits, positives = (predicted & positive).sum(axis=0), positive.sum(axis=0)
            tried = np.maximum(predicted.sum(axis=0), 1)
            cp, cr, _ = (part.mean() for part in _prf(hits, tried, positives))
            op, overall, of1 = _prf(hits.sum(), tried.sum(), positives.sum())
            six = cp, cr, 2 * cp * cr / (cp + cr), op, overall, of1
            values |= {name + suffix: 100 * value for name, value in zip(PRF_NAMES, six)}
        return values

    return decide


def mmpretrain_decisions(scores: np.ndarray, targets: np.ndarray) -> Values:
    """P, R, F of mmpretrain: CF1 is the mean of the classes' F1, top-3 has no threshold."""
    values = {}
    for suffix, options in (('', dict(thr=0.5)), ('_top3', dict(topk=3))):
        for prefix, average in (('C', 'macro'), ('O', 'micro')):
            # a copy: it sets unknown labels to 0 in place
            prf = MultiLabelMetric.calculate(scores, targets.copy(), average=average, **options)
            names = (f'{prefix}P', f'{prefix}R', f'{prefix}F1')
            values |= {name + suffix: float(value) for name, value in zip(names, prf)}
    return values


def _prf(hits: np.ndarray, predicted: np.ndarray, positives: np.ndarray) -> tuple:
    """Precision, recall and F1, NaN where they divide 0 by 0."""
    p, r = hits / np.float64(predicted), hits / np.float64(positives)
    return p, r, 2 * p * r / (p + r)


def half_sigmoid(logits: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(logits.half())


asl = Evaluator(
    'AP as ADD-GCN; p > 0.8; CF1 is the mean of F1; unknown is negative',
    guarded_mean_precision,
    reversed_argsort,
    masked=False,
    decide=asl_decisions(0.8),
)
csra = Evaluator(
    'AP as ADD-GCN; p >= 0.5; unknown is left out',
    mean_precision,
    negative_argsort,
    empty='ZeroDivisionError',
    unknown='ZeroDivisionError',
    decide=csra_decisions(True),
)
voc2010 = Evaluator(
    'area under the monotone envelope', envelope, stable_argsort, empty=np.nan, scores=torch.clone
)
torchmetrics = Evaluator(
    'equal scores are one threshold', tied_mean_precision, stable_argsort,
    unknown='IndexError', averages=('mAP_weighted', 'mAP_micro'),
)  # fmt: skip
EVALUATORS = {
    'asl': asl,
    'ml_decoder': replace(
        asl,
        words='as asl on float16 scores; p > 0.75',
        scores=half_sigmoid,
        decide=asl_decisions(0.75),
    ),
    'query2label': replace(
        voc2010, order=negative_argsort, masked=False, scores=torch.sigmoid,
        words='area under the monotone envelope; unknown is negative',
    ),
    'csra': csra,
    'csra_wider': replace(
        csra, words='as csra; unknown is negative in P, R, F', decide=csra_decisions(False)
    ),
    'mmpretrain': Evaluator(
        'AP as ADD-GCN; p >= 0.5; CF1 is the mean of F1; top-3 without a threshold',
        mean_precision,
        torch_argsort,
        unknown='IndexError',
        decide=mmpretrain_decisions,
    ),
    'voc2007': replace(voc2010, words='11 points of the curve', ap=eleven_points, empty=0.0),
    'voc2010': voc2010,
    'torchmetrics': torchmetrics,
    'sklearn': replace(torchmetrics, averages=('mAP_weighted', 'mAP_micro', 'mAP_samples')),
    'openimages': Evaluator(
        'AP as ADD-GCN over verified labels; classes without positives or negatives are left out',
        guarded_mean_precision,
        reversed_argsort,
        empty='skip',
        unknown='skip',
        averages=('mAP_weighted',),
    ),
}  # fmt: skip


def published_scores(
    scores: np.ndarray | torch.Tensor,
    targets: np.ndarray,
    protocol: str,
    class_names: Sequence[str] | None = None,
) -> MultiLabelResult:
    """Score logits (N, K) and targets (N, K) of 1, 0, -1 as the evaluator `protocol` does.

    Its `values` are those that the evaluator has, NaN where the published code gives NaN; `errors`
    name the exceptions that it ends with.
    """
    if protocol in PROTOCOLS:
        return multilabel_scores(scores, targets, protocol, class_names)
    scores, targets, names = check_input(scores, targets, class_names)
    evaluator, positives = EVALUATORS[protocol], (targets == 1).sum(axis=0)
    values = evaluator.scores(scores).numpy()
    with np.errstate(invalid='ignore', divide='ignore'):
        found = [_ap(evaluator, values[:, k], targets[:, k]) for k in range(values.shape[1])]
        ap = np.array([np.nan if isinstance(ap, str) else 100 * ap for ap in found])
        kept = np.array([ap != 'skip' for ap in found])
        raised = {ap for ap in found if isinstance(ap, str)} - {'skip'}
        errors = dict.fromkeys(('mAP', *evaluator.averages[:1]), raised.pop()) if raised else {}
        result = {'mAP': ap[kept].mean() if kept.any() else np.nan}
        if 'mAP_weighted' in evaluator.averages:
            total = (ap * positives)[kept].sum()
            result['mAP_weighted'] = total / max(positives[kept].sum(), 1)
        if 'mAP_micro' in evaluator.averages:
            result['mAP_micro'] = 100 * _ap(evaluator, values.ravel(), targets.ravel())
        if 'mAP_samples' in evaluator.averages:
            rows = [_ap(evaluator, *row) for row in zip(values, targets) if (row[1] >= 0).any()]
            result['mAP_samples'] = 100 * np.mean(rows)
        if evaluator.decide:
            result |= evaluator.decide(values, targets)
    result = {name: float(value) for name, value in result.items()}
    return MultiLabelResult(protocol, len(scores), names, ap, positives, result, errors)


def compare_protocols(
    scores: np.ndarray, targets: np.ndarray, class_names: Sequence[str] | None = None
) -> tuple[dict[str, MultiLabelResult], str]:
    """{protocol: result} of every protocol, and a sentence about the largest difference."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # classes without positives: `ap` shows them
        results = {
            name: published_scores(scores, targets, name, class_names)
            for name in (*PROTOCOLS, *EVALUATORS)
        }
    spreads = []
    for metric in ('mAP', 'CF1', 'OF1', 'CF1_top3', 'OF1_top3'):
        seen = {name: result.values.get(metric, np.nan) for name, result in results.items()}
        seen = {name: value for name, value in seen.items() if not np.isnan(value)}
        low, high = min(seen, key=seen.get), max(seen, key=seen.get)
        text = f'{metric}: {seen[high]:.1f} ({high}) and {seen[low]:.1f} ({low})'
        spreads.append((seen[high] - seen[low], f'{text} are the same predictions'))
    return results, max(spreads)[1]


def _ap(evaluator: Evaluator, scores: np.ndarray, targets: np.ndarray) -> float | str:
    if evaluator.masked:
        scores, targets = scores[targets >= 0], targets[targets >= 0]
    positive = targets == 1
    if not len(scores):
        return evaluator.unknown
    if not positive.any() or (evaluator.empty == 'skip' and positive.all()):
        return evaluator.empty
    order = evaluator.order(scores)
    return evaluator.ap(positive[order], scores[order])
