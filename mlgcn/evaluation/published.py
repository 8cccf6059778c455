"""The evaluators of other papers and libraries on the same logits: why published numbers differ.

Each equals the published code on its own outputs, with its NaN and exceptions.
"""

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from mlgcn.ops.c_kernels import sorted_floats

from .evaluators import EVALUATORS, Evaluator
from .multilabel_scores import MultiLabelResult, check_input, multilabel_scores
from .protocols import PRF_NAMES, PROTOCOLS, ROWS, Table, by_class

MOST_POSITIVES = 2**24  # of all classes together, whose scores mAP_micro holds


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
    hits, ranks = sorted_floats(np.concatenate(hits)), 0
    for values, labels in _by_rows(evaluator, scores, targets):
        known = sorted_floats(values[labels >= 0])
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
    # with an equal score need: in half precision all of them
    if scores.dtype == np.float16:
        return evaluator.ap(_precisions(evaluator.order(scores), positive))
    ranked, hits = sorted_floats(scores), np.sort(scores[positive])[::-1]
    below = np.searchsorted(ranked, hits)
    number = np.arange(1, len(hits) + 1)
    if not evaluator.order:  # one threshold: its precision is that at the last of them
        number = len(hits) - np.searchsorted(hits[::-1], hits)
    elif (np.searchsorted(ranked, hits, side='right') - below > 1).any():
        return evaluator.ap(_precisions(evaluator.order(scores), positive))
    return evaluator.ap(number / (len(ranked) - below))


def _precisions(order: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Precision at the rank of each positive, of all images in this order."""
    ranks = np.flatnonzero(positive[order]) + 1
    return np.arange(1, len(ranks) + 1) / ranks
