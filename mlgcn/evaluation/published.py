"""The evaluators of other papers and libraries on the same logits: why published numbers differ.

:func:`published_scores` follows one of them, :func:`compare_protocols` all. Each equals the
published code on its own outputs, with its NaN and errors; ADD-GCN's and GKGNet's are in
`multilabel_scores`.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from . import rules
from .multilabel_scores import MultiLabelResult, check_input, multilabel_scores
from .protocols import PROTOCOLS, by_class, precisions


@dataclass(frozen=True)
class Evaluator:
    """How one evaluator works.

    Args:
        words: the same for readers.
        ap: AP of one class from the precisions at the ranks of its positives, the best first.
        order: the images of one class by their scores (N,); None: equal scores are one threshold.
        empty: AP of a class without positives; 'ZeroDivisionError' where that ends the program.
        unknown: what a class without any known label does: as `empty`, or 'IndexError'.
        masked: labels of -1 are dropped; otherwise they are negatives.
        scores: of logits (N, K).
        decide: P, R and F from scores (N, K) and targets (N, K) of 1, 0, -1.
        averages: further means: 'mAP_weighted' (by positives), 'mAP_micro', 'mAP_samples'.
    """

    words: str
    ap: Callable[[np.ndarray], float]
    order: Callable[[np.ndarray], np.ndarray] | None
    empty: float | str = 0.0
    unknown: float | str = 0.0
    masked: bool = True
    scores: Callable[[torch.Tensor], torch.Tensor] = torch.sigmoid
    decide: Callable[[np.ndarray, np.ndarray], rules.Values] | None = None
    averages: tuple[str, ...] = ()


asl = Evaluator(
    'AP as ADD-GCN; p > 0.8; CF1 is the mean of F1; unknown is negative',
    rules.guarded_mean,
    rules.reversed_argsort,
    masked=False,
    decide=partial(rules.asl_decisions, threshold=0.8),
)
csra = Evaluator(
    'AP as ADD-GCN; p >= 0.5; unknown is left out',
    np.mean,
    rules.negative_argsort,
    empty='ZeroDivisionError',
    unknown='ZeroDivisionError',
    decide=partial(rules.csra_decisions, known_only=True),
)
voc2010 = Evaluator(
    'area under the monotone envelope',
    rules.envelope,
    rules.stable_argsort,
    empty=np.nan,
    scores=torch.clone,
)
torchmetrics = Evaluator(
    'equal scores are one threshold', np.mean, None,
    unknown='IndexError', averages=('mAP_weighted', 'mAP_micro'),
)  # fmt: skip
EVALUATORS = {
    'asl': asl,
    'ml_decoder': replace(
        asl,
        words='as asl on float16 scores; p > 0.75',
        scores=rules.half_sigmoid,
        decide=partial(rules.asl_decisions, threshold=0.75),
    ),
    'query2label': replace(
        voc2010, order=rules.negative_argsort, masked=False, scores=torch.sigmoid,
        words='area under the monotone envelope; unknown is negative',
    ),
    'csra': csra,
    'csra_wider': replace(
        csra,
        words='as csra; unknown is negative in P, R, F',
        decide=partial(rules.csra_decisions, known_only=False),
    ),
    'mmpretrain': Evaluator(
        'AP as ADD-GCN; p >= 0.5; CF1 is the mean of F1; top-3 without a threshold',
        np.mean,
        rules.torch_argsort,
        unknown='IndexError',
        decide=rules.mmpretrain_decisions,
    ),
    'voc2007': replace(voc2010, words='11 points of the curve', ap=rules.eleven_points, empty=0.0),
    'voc2010': voc2010,
    'torchmetrics': torchmetrics,
    'sklearn': replace(torchmetrics, averages=('mAP_weighted', 'mAP_micro', 'mAP_samples')),
    'openimages': Evaluator(
        'AP as ADD-GCN over verified labels; classes without positives or negatives are left out',
        rules.guarded_mean,
        rules.reversed_argsort,
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
        found = [_ap(evaluator, *column) for column in zip(by_class(values), by_class(targets))]
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
    if evaluator.order:
        order = evaluator.order(scores)
        return evaluator.ap(precisions(positive[order], np.ones(len(order), bool)))
    # equal scores are one threshold: its precision is that at their last rank
    at, every = -scores[positive], np.sort(-scores)
    hits, ranks = (np.searchsorted(np.sort(group), at, side='right') for group in (at, every))
    return evaluator.ap(hits / ranks)
