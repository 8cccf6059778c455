"""How the two published evaluators rank images, decide and average.

The table in :func:`mlgcn.evaluation.multilabel_scores` lists their differences.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

PROTOCOLS = ('addgcn', 'gkgnet')
THRESHOLDS = {'addgcn': 'logit ≥ 0', 'gkgnet': 'float32 sigmoid(logit) ≥ 0.5'}
PRF_NAMES = ('CP', 'CR', 'CF1', 'OP', 'OR', 'OF1')
METRIC_NAMES = ('mAP', *PRF_NAMES, *(f'{name}_top3' for name in PRF_NAMES))


def check_protocol(protocol: str, known: Sequence[str] = PROTOCOLS) -> None:
    """ValueError for an unknown one."""
    if protocol not in known:
        raise ValueError(f'protocol is {protocol!r}; expected one of {known}')


def counted_in_ap(targets: np.ndarray, protocol: str) -> np.ndarray:
    """Booleans (N, K): which of the `targets` (N, K) of 1, 0, -1 take part in AP."""
    return targets >= 0 if protocol == 'addgcn' else np.ones(targets.shape, bool)


def orders(scores: torch.Tensor, protocol: str) -> Iterator[np.ndarray]:
    """For each of K classes the image indices (N,), best score first, of logits (N, K) float32."""
    if protocol == 'addgcn':
        for column in scores.T:
            yield torch.sort(column, descending=True).indices.numpy()
    else:
        for column in _sigmoid(scores).numpy().T:
            yield np.argsort(column)[::-1]


def precisions(positive: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Precision at the rank of each positive of one class, from N images in order of score."""
    ranks = np.cumsum(counted)[positive]
    return np.arange(1, len(ranks) + 1) / ranks


def average_precisions(
    scores: torch.Tensor, positive: np.ndarray, counted: np.ndarray, protocol: str
) -> np.ndarray:
    """AP (K,) as fractions; 0 where `positive` (N, K) has none; ranks those `counted` (N, K)."""
    sums = [
        precisions(positive[order, k], counted[order, k]).sum()
        for k, order in enumerate(orders(scores, protocol))
    ]
    number = positive.sum(axis=0)
    return np.array(sums) / (np.maximum(number, 1) if protocol == 'addgcn' else number + 1e-8)


def decisions(scores: torch.Tensor, protocol: str) -> tuple[np.ndarray, np.ndarray]:
    """Booleans (N, K) from logits (N, K) float32: predicted, and predicted among the top three."""
    values = scores if protocol == 'addgcn' else _sigmoid(scores)
    best = torch.topk(values, min(3, scores.shape[1]), dim=1)
    if protocol == 'addgcn':
        predicted = values >= 0
        top3 = torch.zeros_like(predicted).scatter_(1, best.indices, True)
    else:
        predicted, top3 = values >= 0.5, values >= best.values[:, -1:]
    return predicted.numpy(), (predicted & top3).numpy()


def threshold_metrics(
    scores: torch.Tensor,
    positive: np.ndarray,
    skip_empty: bool,
    protocol: str,
    count: Callable[[np.ndarray], np.ndarray] = lambda table: table.sum(axis=0),
) -> dict[str, np.ndarray]:
    """The names of PRF_NAMES, plain and with `_top3`, in percent, of logits (N, K) float32.

    `count` sums booleans (N, K) over the images: (..., K) give values of shape (...).
    """
    positives = count(positive)
    kept = (positives > 0) | (~positive.any(axis=0) & (not skip_empty))
    values = {}
    for suffix, predicted in zip(('', '_top3'), decisions(scores, protocol)):
        hits = count(predicted & positive)
        numbers = precision_recall(hits, count(predicted), positives, kept, protocol)
        values |= {name + suffix: 100 * number for name, number in zip(PRF_NAMES, numbers)}
    return values


def precision_recall(
    hits: np.ndarray,
    predictions: np.ndarray,
    positives: np.ndarray,
    kept: np.ndarray,
    protocol: str,
) -> tuple[np.ndarray, ...]:
    """CP, CR, CF1, OP, OR, OF1 as fractions (...) from counts (..., K); CR averages `kept`."""
    tried = np.maximum(predictions, 1)
    cp = (hits / tried).mean(axis=-1)
    cr = mean_of_some(hits / np.maximum(positives, 1), kept)
    # ADD-GCN's guard against division by zero: 1 for every class that is never predicted
    denominator = (tried if protocol == 'addgcn' else predictions).sum(axis=-1)
    op = hits.sum(axis=-1) / np.maximum(denominator, 1)
    overall_recall = hits.sum(axis=-1) / np.maximum(positives.sum(axis=-1), 1)
    return cp, cr, _harmonic_mean(cp, cr), op, overall_recall, _harmonic_mean(op, overall_recall)


def mean_of_some(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The mean over the last axis of those `values` (..., K) that are kept; NaN if none is."""
    number = np.broadcast_to(kept, values.shape).sum(axis=-1)
    total = values.sum(axis=-1, where=kept)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _harmonic_mean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return 2 * a * b / np.where(a + b > 0, a + b, 1)


def _sigmoid(scores: torch.Tensor) -> torch.Tensor:
    # not torch.sigmoid: it may round equal logits differently at the end of the array
    return 1 / (1 + torch.exp(-scores.double()).float())
