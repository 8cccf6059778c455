"""How the two published evaluators rank images, decide and average; see `multilabel_scores`."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch

from mlgcn.ops.c_kernels import sorted_floats

Table = np.ndarray | torch.Tensor
PROTOCOLS = ('addgcn', 'gkgnet')
THRESHOLDS = {'addgcn': 'logit ≥ 0', 'gkgnet': 'float32 sigmoid(logit) ≥ 0.5'}
PRF_NAMES = ('CP', 'CR', 'CF1', 'OP', 'OR', 'OF1')
ROWS = 256  # images whose decisions are held at once: a few MB, which stay in the caches
BLOCK = 2**26  # bytes of the columns that are copied at once
METRIC_NAMES = ('mAP', *PRF_NAMES, *(f'{name}_top3' for name in PRF_NAMES))


def check_protocol(protocol: str, known: Sequence[str] = PROTOCOLS) -> None:
    """ValueError for an unknown one."""
    if protocol not in known:
        raise ValueError(f'protocol is {protocol!r}; expected one of {known}')


def skips_empty_classes(protocol: str) -> bool:
    """Whether mAP and CR leave out classes without positives, instead of counting them as 0."""
    return protocol == 'addgcn'


def counted_in_ap(targets: np.ndarray, protocol: str) -> np.ndarray:
    """Which of the `targets` (N, K) of 1, 0, -1 take part in AP, booleans (N, K)."""
    return targets >= 0 if protocol == 'addgcn' else np.ones(targets.shape, bool)


def as_float32(block: torch.Tensor) -> torch.Tensor:
    """Part of a table of scores as both evaluators hold it; never the whole table at once."""
    return block.float()


def by_class(
    table: Table, convert: Callable[[torch.Tensor], torch.Tensor] = lambda block: block
) -> Iterator[np.ndarray]:
    """The columns of a table (N, K), converted, many at a time: reading one by one is slow.

    A table may lie in a mapped file: every block of columns reads it once.
    """
    table = torch.as_tensor(table)
    width = 64 * max(BLOCK // (64 * max(len(table), 1) * table.element_size()), 1)
    for block in table.split(width, dim=1):
        # torch transposes a whole table twice as fast as a part of one
        yield from convert(block.contiguous().T.contiguous()).numpy()


def labelled_columns(scores: Table, targets: Table, protocol: str) -> Iterator[tuple]:
    """Of each class its scores (N,), which images are positive, and which are ranked."""
    for column, labels in zip(by_class(scores, as_float32), by_class(targets)):
        yield column, labels == 1, counted_in_ap(labels, protocol)


def orders(scores: Table, protocol: str) -> Iterator[np.ndarray]:
    """For each of K classes the image indices (N,), best score first, of logits (N, K)."""
    return (_order(column, protocol) for column in by_class(scores, as_float32))


def _order(column: np.ndarray, protocol: str) -> np.ndarray:
    column = torch.from_numpy(column)
    if protocol == 'addgcn':
        return torch.sort(column, descending=True).indices.numpy()
    return np.argsort(_sigmoid(column).numpy())[::-1]


def precisions(positive: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Precision at the rank of each positive of one class, from N images in order of score."""
    ranks = np.cumsum(counted)[positive]
    return np.arange(1, len(ranks) + 1) / ranks


def precision_sums(columns: Iterable[tuple], protocol: str) -> tuple[np.ndarray, np.ndarray]:
    """(sum of the precisions at the positives, number of positives) of K `labelled_columns`."""
    sums = [(_precisions(*column, protocol).sum(), column[1].sum()) for column in columns]
    return tuple(np.array(column) for column in zip(*sums))


def _precisions(scores, positive, counted, protocol: str) -> np.ndarray:
    """:func:`precisions` of one class's logits (N,), ranked here.

    A sort of the values is ten times as fast as one that gives the order, which only positives with
    an equal score need: their neighbours are looked at, as the sigmoid rounds, too.
    """
    ranked, hits = sorted_floats(scores[counted]), np.sort(scores[positive & counted])[::-1]
    below, above = np.searchsorted(ranked, hits), np.searchsorted(ranked, hits, side='right')
    near = np.stack([hits, *(np.append(ranked, np.nan)[i] for i in (below - 1, above))])
    if protocol != 'addgcn':
        near = _sigmoid(torch.from_numpy(near)).numpy()
    if (above - below > 1).any() or (near[1:] == near[0]).any():
        order = _order(scores, protocol)
        return precisions(positive[order], counted[order])
    return np.arange(1, len(hits) + 1) / (len(ranked) - below)


def decisions(scores: torch.Tensor, protocol: str) -> tuple[np.ndarray, np.ndarray]:
    """Booleans (N, K) from logits (N, K) float32: predicted, and predicted among the top three."""
    values = scores if protocol == 'addgcn' else _sigmoid(scores)
    best = torch.topk(values, min(3, scores.shape[1]), dim=1)
    predicted = values >= (0 if protocol == 'addgcn' else 0.5)
    if protocol == 'addgcn':
        top3 = torch.zeros_like(predicted).scatter_(1, best.indices, True)
    else:
        top3 = values >= best.values[:, -1:]
    return predicted.numpy(), (predicted & top3).numpy()


def threshold_metrics(
    scores: Table,
    targets: np.ndarray,
    protocol: str,
    count: Callable[[np.ndarray, slice], np.ndarray] = lambda table, rows: table.sum(axis=0),
) -> dict[str, np.ndarray]:
    """PRF_NAMES, plain and with `_top3`, in percent, of logits and targets (N, K).

    `count` sums booleans (B, K) over the images `rows`: (..., K) give values of shape (...).
    """
    counts, occurs, scores = 0, False, torch.as_tensor(scores)
    for start in range(0, len(scores), ROWS):
        rows = slice(start, start + ROWS)
        found = targets[rows] == 1
        occurs = occurs | found.any(axis=0)
        tables = [(table, table & found) for table in decisions(as_float32(scores[rows]), protocol)]
        counts = counts + np.stack([count(t, rows) for t in (found, *tables[0], *tables[1])])
    positives, values = counts[0], {}
    kept = positives > 0
    if not skips_empty_classes(protocol):
        kept = kept | ~occurs
    for suffix, (predicted, hits) in zip(('', '_top3'), (counts[1:3], counts[3:])):
        numbers = precision_recall(hits, predicted, positives, kept, protocol)
        values |= {name + suffix: 100 * number for name, number in zip(PRF_NAMES, numbers)}
    return values


def precision_recall(
    hits: np.ndarray, predicted: np.ndarray, positives: np.ndarray, kept: np.ndarray, protocol: str
) -> tuple[np.ndarray, ...]:
    """CP, CR, CF1, OP, OR, OF1 as fractions (...) from counts (..., K); CR averages `kept`."""
    tried = np.maximum(predicted, 1)
    cp = (hits / tried).mean(axis=-1)
    cr = mean_of_some(hits / np.maximum(positives, 1), kept)
    # ADD-GCN's guard against division by zero: 1 for every class that is never predicted
    predictions = (tried if protocol == 'addgcn' else predicted).sum(axis=-1)
    total = hits.sum(axis=-1)
    op, recall = (total / np.maximum(n, 1) for n in (predictions, positives.sum(axis=-1)))
    return cp, cr, _harmonic_mean(cp, cr), op, recall, _harmonic_mean(op, recall)


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
