"""The numbers of the report: rows of texts and cells for the tables, points of the curves."""

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from mlgcn.evaluation import (
    METRIC_NAMES,
    bootstrap_scores,
    centred,
    draw_images,
    interval,
    label_pairs,
    precision_recall_curves,
    scores_by_size,
)
from mlgcn.evaluation.analysis import BANDS
from mlgcn.evaluation.multilabel_scores import skips_empty_classes

from .page import Cell
from .runs import Run

FEWEST = 5  # positives of a class, for an interval of its AP
NUM_PAIRS = 20
COMPARED = ('mAP', 'CF1', 'OF1', 'CF1_top3', 'OF1_top3')
# Limits of P(second | first) in %; the first bin holds the pairs that never occur together.
EDGES = (-1, 0, 1, 2, 5, 10, 20, 40, 100)
Rows = list[list[str | Cell]]


class ReportNumbers:
    """What the page shows of `runs`, which load_runs has put into one order.

    Args:
        replicates, seed: of the bootstrap; all runs are scored on the same draws.
        areas: (N, K) of each image's largest object of each class, for AP by size.
    """

    def __init__(
        self, runs: Sequence[Run], replicates: int, seed: int, areas: ndarray | None = None
    ):
        self.runs, self.result, self.targets = runs, runs[0].result, runs[0].file.targets
        self.classes, self.positives = list(self.result.class_names), self.result.positives
        self.names = [run.name for run in runs]
        self.empty = [self.classes[k] for k in np.flatnonzero(self.positives == 0)]
        self.skips_empty = skips_empty_classes(self.result.protocol)
        self.differences = [f'{name} − {self.names[0]}' for name in self.names[1:]]
        protocol, scores = self.result.protocol, [run.file.scores for run in runs]
        draws = draw_images(len(self.targets), replicates, seed)
        self.samples = [bootstrap_scores(s, self.targets, protocol, draws) for s in scores]
        self.pairs = [label_pairs(run.predicted, self.targets) for run in runs]
        self.sizes, self.without_box = [], 0
        if areas is not None:
            self.sizes = [scores_by_size(s, self.targets, areas, protocol) for s in scores]
            self.without_box = ((self.targets == 1) & (areas <= 0)).sum()

    def metric_rows(self) -> Rows:
        """Every metric of every run with its interval, protocol and number of images."""
        rows = []
        for name in METRIC_NAMES:
            rows.append([name.replace('_', ' ')])
            for run, sample in zip(self.runs, self.samples):
                note = bounds(*_clipped(sample.values[name], run.result[name]))
                rows[-1].append(Cell(percent(run.result[name], '.2f'), note))
            rows[-1] += [self.result.protocol, f'{self.result.num_images:,}']
        return rows

    def comparison_rows(self) -> Rows:
        """The differences of the other runs to the first, paired over the same drawn images."""
        rows = [[name] for name in self.differences]
        for row, run, sample in zip(rows, self.runs[1:], self.samples[1:]):
            for name in COMPARED:
                value = run.result[name] - self.result[name]
                gaps = sample.values[name] - self.samples[0].values[name]
                ahead = 100 * np.mean(centred(gaps, value) > 0)
                note = f'{bounds(*interval(gaps, value), "+.1f")}\nahead in {ahead:.1f} %'
                row.append(Cell(percent(value, '+.2f'), note))
        return rows

    def class_rows(self) -> Rows:
        """AP of every class, the first run's lowest first, and differences to the first run."""
        few, first = self.positives < FEWEST, self.samples[0]
        aps = [np.where(few, np.nan, run.result.ap) for run in self.runs]
        spans = [_clipped(sample.ap, ap) for sample, ap in zip(self.samples, aps)]
        gaps = [interval(s.ap - first.ap, ap - aps[0]) for s, ap in zip(self.samples, aps)]
        rows = []
        for k in np.argsort(self.result.ap):
            rows.append([self.classes[k], f'{self.positives[k]:,}'])
            for run, (low, high) in zip(self.runs, spans):
                rows[-1].append(_bar(run.result.ap[k], bounds(low[k], high[k])))
            for run, (low, high) in zip(self.runs[1:], gaps[1:]):
                gap, clear = run.result.ap[k] - self.result.ap[k], bool(low[k] > 0 or high[k] < 0)
                note = bounds(low[k], high[k], '+.1f')
                rows[-1].append(Cell(percent(gap, '+.1f'), note, _number(gap), clear))
        return rows

    def size_rows(self) -> Rows:
        """Positives, classes that have some, and mAP of small, medium and large objects."""
        rows = []
        for band in BANDS:
            number = self.sizes[0][band].positives
            means = [_bar(size[band].mean_ap) for size in self.sizes]
            rows.append([band, f'{number.sum():,}', f'{(number > 0).sum():,}', *means])
        return rows

    def class_size_rows(self) -> Rows:
        """Positives and AP of every class in every band."""
        rows = [[name] for name in self.classes]
        for k, row in enumerate(rows):
            for band in BANDS:
                row.append(f'{self.sizes[0][band].positives[k]:,}')
                row += [_bar(size[band].ap[k]) for size in self.sizes]
        return rows

    def bin_rows(self) -> Rows:
        """False predictions of a second label beside a first, by how often both truly occur."""
        first, rows = self.pairs[0], []
        other = ~np.eye(len(first.base), dtype=bool) & (first.absent > 0)
        for low, high in zip(EDGES, EDGES[1:]):
            together = 100 * first.cooccurrence
            inside = other & (together > low) & (together <= high)
            if inside.any():
                name = 'never' if high == 0 else f'over {low} to {high} %'
                rows.append([name, f'{inside.sum():,}'])
                for p in self.pairs:
                    falsely, expected = p.falsely[inside].sum(), p.expected[inside].sum()
                    note = f'× {falsely / expected:.1f}' if expected else '–'
                    rows[-1].append(_bar(100 * falsely / p.absent[inside].sum(), note))
        full = max((cell.sort for row in rows for cell in row[2:]), default=0) or 1
        for row in rows:  # the longest bar fills its cell
            row[2:] = [cell._replace(bar=100 * cell.sort / full) for cell in row[2:]]
        return rows

    def pair_rows(self) -> Rows:
        """The pairs with the most false predictions beyond the second label's own rate."""
        counted = [np.where(p.falsely < 2, 0, p.falsely - p.expected) for p in self.pairs]
        excess = np.max(counted, axis=0)
        np.fill_diagonal(excess, 0)
        rows, first = [], self.pairs[0]
        for i in np.argsort(-excess, axis=None)[: min(NUM_PAIRS, (excess > 0).sum())]:
            a, b = np.unravel_index(i, excess.shape)
            together, absent = 100 * first.cooccurrence[a, b], first.absent[a, b]
            rows.append([self.classes[a], self.classes[b], f'{together:.1f} %', f'{absent:,.0f}'])
            for pairs in self.pairs:
                number, own = pairs.falsely[a, b], f'({100 * pairs.base[b]:.1f} %)'
                text = f'{number:,.0f} = {100 * number / absent:.1f} %'
                rows[-1].append(Cell(text, own, _number(number)))
        return rows

    def curves(self) -> dict[str, list[dict]]:
        """For the page's script, by option of the chooser: each run's points and circle."""
        options = {str(key): [] for key in ('micro', 'macro', *range(len(self.classes)))}
        for run in self.runs:
            found = precision_recall_curves(run.file.scores, self.targets, run.result.protocol)
            hits = (run.predicted & (self.targets == 1)).sum(axis=0)
            counts = (run.predicted & (self.targets != -1)).sum(axis=0)
            metrics = run.result
            circles = [(metrics['OR'], metrics['OP']), (metrics['CR'], metrics['CP'])]
            for hit, number, count in zip(hits, self.positives, counts):
                circles.append((100 * hit / max(number, 1), 100 * hit / count) if count else ())
            lines = [found.micro, found.macro, *found.classes]
            for drawn, line, circle in zip(options.values(), lines, circles):
                points = ' '.join(f'{x:.4g},{y:.4g}' for x, y in (() if line is None else line.T))
                drawn.append(dict(points=points, circle=[_number(value, 1) for value in circle]))
        return options


def percent(value: float, form: str = '.1f') -> str:
    """'81.2', or with a sign '−1.2'; a dash where there is no value."""
    return '–' if np.isnan(value) else f'{value:{form}}'.replace('-', '−')


def bounds(low: float, high: float, form: str = '.1f') -> str:
    return '' if np.isnan(low) else f'[{percent(low, form)}, {percent(high, form)}]'


def _bar(value: float, note: str = '') -> Cell:
    return Cell(percent(value), note, _number(value), bar=max(_number(value, 1), 0))


def _number(value: float, digits: int = 4) -> float:
    return round(float(np.nan_to_num(value, nan=-1)), digits)


def _clipped(values: ndarray, measured: float | ndarray) -> tuple[ndarray, ndarray]:
    low, high = interval(values, measured)
    return np.clip(low, 0, 100), np.clip(high, 0, 100)
