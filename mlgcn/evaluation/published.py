"""The evaluators of other papers and libraries on the same logits: why published numbers differ.

Each equals the published code on its own outputs, with its NaN and exceptions.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from .multilabel_scores import MultiLabelResult, check_input, multilabel_scores
from .protocols import PRF_NAMES, PROTOCOLS, ROWS, Table, as_float32, by_class, precisions

MOST_POSITIVES = 2**24  # of all classes together, whose scores mAP_micro holds


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
    top3 = np.zeros(scores.shape, bool)
    np.put_along_axis(top3, np.argsort(-scores, axis=1)[:, :3], True, axis=1)
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


def published_scores(
    scores: Table, targets: Table, protocol: str, class_names: Sequence[str] | None = None
) -> MultiLabelResult:
    """Score logits (N, K) and targets (N, K) of 1, 0, -1 as `protocol` does, with its NaN."""
    if protocol in PROTOCOLS:
        return multilabel_scores(scores, targets, protocol, class_names)
    scores, targets, names = check_input(scores, targets, class_names)
    evaluator, positives = EVALUATORS[protocol], []
    with np.errstate(invalid='ignore', divide='ignore'):
        found = []
        for values, labels in zip(by_class(scores, evaluator.scores), by_class(targets)):
            found.append(_ap(evaluator, values, labels))
            positives.append((labels == 1).sum())
        positives = np.array(positives)
        ap = np.array([np.nan if isinstance(ap, str) else 100 * ap for ap in found])
        kept = np.array([ap != 'skip' for ap in found])
        result = {'mAP': ap[kept].mean() if kept.any() else np.nan}
        if 'mAP_weighted' in evaluator.averages:
            total = (ap * positives)[kept].sum()
            result['mAP_weighted'] = total / max(positives[kept].sum(), 1)
        result |= _over_images(evaluator, scores, targets)
    result = {name: float(value) for name, value in result.items()}
    raised = {ap for ap in found if isinstance(ap, str)} - {'skip'}
    # of the further means only the one over classes ends with it, too
    errors = dict.fromkeys(('mAP', *evaluator.averages[:1]), raised.pop()) if raised else {}
    return MultiLabelResult(protocol, len(scores), names, ap, positives, result, errors)


def compare_protocols(
    scores: np.ndarray, targets: np.ndarray, class_names: Sequence[str] | None = None
) -> tuple[dict[str, MultiLabelResult], str]:
    """{protocol: result} of every protocol, and a sentence about the largest difference."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # classes without positives: `ap` shows them
        every = *PROTOCOLS, *EVALUATORS
        results = {name: published_scores(scores, targets, name, class_names) for name in every}
    spreads = []
    for metric in ('mAP', 'CF1', 'OF1', 'CF1_top3', 'OF1_top3'):
        seen = [(r.values[metric], name) for name, r in results.items() if metric in r.values]
        seen = sorted(pair for pair in seen if not np.isnan(pair[0]))
        (low, lowest), (high, highest) = seen[0], seen[-1]
        spreads.append((high - low, f'{metric}: {high:.1f} ({highest}) and {low:.1f} ({lowest})'))
    return results, f'{max(spreads)[1]} are the same predictions'


def _over_images(
    evaluator: Evaluator, scores: torch.Tensor, targets: np.ndarray
) -> dict[str, float]:
    """The further figures in percent, of logits and targets (N, K), read `ROWS` images at a time.

    mAP_micro ranks all known labels together: more than `MOST_POSITIVES` go without it.
    """
    counts, samples, result = 0, [], {}
    rows_needed = evaluator.predict or 'mAP_samples' in evaluator.averages
    for values, labels in _by_rows(evaluator, scores, targets) if rows_needed else ():
        positive = labels == 1
        if evaluator.predict:
            tables = evaluator.predict(values, labels)
            hits = [table & positive for table in tables]
            counts = counts + np.stack([t.sum(axis=0) for t in (positive, *tables, *hits)])
        if 'mAP_samples' in evaluator.averages:
            rows = (row for row in zip(values, labels) if (row[1] >= 0).any())
            samples += [_ap(evaluator, *row) for row in rows]
    if 'mAP_micro' in evaluator.averages and (targets >= 0).any():
        hits = np.count_nonzero(targets == 1)
        if hits <= MOST_POSITIVES:
            result['mAP_micro'] = _micro(evaluator, scores, targets) if hits else evaluator.empty
    if samples:
        result['mAP_samples'] = np.mean(samples)
    if evaluator.predict:
        half = len(counts) // 2
        for suffix, predicted, hits in zip(('', '_top3'), counts[1:], counts[1 + half :]):
            six = evaluator.figures(hits, predicted, counts[0])
            result |= {name + suffix: value for name, value in zip(PRF_NAMES, six)}
    return {name: 100 * value for name, value in result.items()}


def _by_rows(
    evaluator: Evaluator, scores: torch.Tensor, targets: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The evaluator's scores and the targets (B, K), `ROWS` images at a time."""
    for start in range(0, len(scores), ROWS):
        rows = slice(start, start + ROWS)
        yield evaluator.scores(scores[rows]).numpy(), targets[rows]


def _micro(evaluator: Evaluator, scores: torch.Tensor, targets: np.ndarray) -> float:
    """AP of the known labels of all classes together, of which equal scores are one threshold."""
    hits = [values[labels == 1] for values, labels in _by_rows(evaluator, scores, targets)]
    hits, ranks = np.sort(np.concatenate(hits)), 0
    for values, labels in _by_rows(evaluator, scores, targets):
        known = np.sort(values[labels >= 0])
        ranks = ranks + len(known) - np.searchsorted(known, hits)
    return evaluator.ap((len(hits) - np.searchsorted(hits, hits)) / ranks)


def _ap(evaluator: Evaluator, scores: np.ndarray, targets: np.ndarray) -> float | str:
    if evaluator.masked:
        scores, targets = scores[targets >= 0], targets[targets >= 0]
    positive = targets == 1
    if not len(scores):
        return evaluator.unknown
    if not positive.any() or (evaluator.empty == 'skip' and positive.all()):
        return evaluator.empty
    # a sort of the values is ten times as fast as one that gives the order, which only positives
    # with an equal score need
    ranked, hits = np.sort(scores), np.sort(scores[positive])[::-1]
    below = np.searchsorted(ranked, hits)
    number = np.arange(1, len(hits) + 1)
    if not evaluator.order:  # one threshold: its precision is that at the last of them
        number = len(hits) - np.searchsorted(hits[::-1], hits)
    elif (np.searchsorted(ranked, hits, side='right') - below > 1).any():
        order = evaluator.order(scores)
        return evaluator.ap(precisions(positive[order], np.ones(len(order), bool)))
    return evaluator.ap(number / (len(ranked) - below))
