"""The numbers of the report: rows of texts and cells for the tables, points of the curves."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy import ndarray

from mlgcn.evaluation import (
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
from mlgcn.evaluation.protocols import PRF_NAMES

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
        self.calibrated = [run.name for run in runs if len(run.file.thresholds)]
        protocol, draws = self.result.protocol, draw_images(len(self.targets), replicates, seed)
        self.samples, self.pairs, self.sizes, self.without_box = [], [], [], 0
        for run in runs:
            sample = bootstrap_scores(run.file.scores, self.targets, protocol, draws)
            if self.calibrated:
                decided = bootstrap_scores(run.signs, self.targets, protocol, draws).values
                sample.values.update({f'{key}_calibrated': decided[key] for key in PRF_NAMES})
            self.samples.append(sample)
            self.pairs.append(label_pairs(run.predicted, self.targets))
            if areas is not None:
                bands = scores_by_size(run.file.scores, self.targets, areas, protocol)
                self.sizes.append(bands)
                self.without_box = ((self.targets == 1) & (areas <= 0)).sum()

    def metric_rows(self) -> Rows:
        """Every metric of every run with its interval."""
        rows = []
        for name in (name for name in self.result.values if name in self.samples[0].values):
            values = [(run.result[name], s.values[name]) for run, s in zip(self.runs, self.samples)]
            cells = [_cell(value, _clipped(drawn, value), '.2f') for value, drawn in values]
            rows.append([name.replace('_', ' '), *cells])
        return rows

    def comparison_rows(self) -> Rows:
        """The differences of the other runs to the first, paired over the same drawn images."""
        rows = [[name] for name in self.differences]
        for row, run, sample in zip(rows, self.runs[1:], self.samples[1:]):
            for name in COMPARED:
                value = run.result[name] - self.result[name]
                gaps = sample.values[name] - self.samples[0].values[name]
                ahead = 100 * np.mean(centred(gaps, value) > 0)
                cell = _cell(value, interval(gaps, value), '+.2f')
                row.append(cell._replace(note=f'{cell.note}\nahead in {ahead:.1f} %'))
        return rows

    def class_rows(self) -> Rows:
        """AP of every class, the first run's lowest first, and differences to the first run."""
        few, first = self.positives < FEWEST, self.samples[0]
        rows = [[name, f'{count:,}'] for name, count in zip(self.classes, self.positives)]
        for run, sample in zip(self.runs, self.samples):
            spans = _clipped(sample.ap, np.where(few, np.nan, run.result.ap))
            for row, ap, *span in zip(rows, run.result.ap, *spans):
                row.append(_cell(ap, span, full=100))
        for run, sample in zip(self.runs[1:], self.samples[1:]):
            gaps = run.result.ap - self.result.ap
            spans = interval(sample.ap - first.ap, np.where(few, np.nan, gaps))
            for row, gap, *span in zip(rows, gaps, *spans):
                row.append(_cell(gap, span, '+.1f'))
        return [rows[k] for k in np.argsort(self.result.ap)]

    def size_rows(self) -> Rows:
        """mAP and the classes' APs of small, medium and large objects, and their positives."""
        first, rows = self.sizes[0], []
        for name in BANDS:
            number = first[name].positives
            means = [_cell(bands[name].mean_ap, full=100) for bands in self.sizes]
            rows.append(['all', name, f'{number.sum():,}', *means])
            for k in np.flatnonzero(number):
                aps = [_cell(bands[name].ap[k], full=100) for bands in self.sizes]
                rows.append([self.classes[k], name, f'{number[k]:,}', *aps])
        return rows

    def bin_rows(self) -> Rows:
        """False predictions of a second label beside a first, by how often both truly occur."""
        first, bins = self.pairs[0], {}
        other, together = first.absent > 0, 100 * first.cooccurrence
        np.fill_diagonal(other, False)
        for low, high in zip(EDGES, EDGES[1:]):
            inside = other & (together > low) & (together <= high)
            if inside.any():
                bins['never' if high == 0 else f'over {low} to {high} %'] = inside
        rates = [
            [100 * p.falsely[i].sum() / p.absent[i].sum() for p in self.pairs]
            for i in bins.values()
        ]
        full, rows = np.max(rates, initial=1e-9), []
        for (name, inside), found in zip(bins.items(), rates):
            rows.append([name, f'{inside.sum():,}'])
            for p, rate in zip(self.pairs, found):
                falsely, expected = p.falsely[inside].sum(), p.expected[inside].sum()
                note = f'× {falsely / expected:.1f}' if expected else '–'
                rows[-1].append(_cell(rate, full=full)._replace(note=note))
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
                rows[-1].append(Cell(text, own, float(number)))
        return rows

    def curves(self) -> Iterator[tuple[dict, ...]]:
        """Micro, macro, classes: each run's points and the (recall, precision) of `predicted`."""
        curves = []
        for run in self.runs:
            found = precision_recall_curves(run.file.scores, self.targets, run.result.protocol)
            hits = (run.predicted & (self.targets == 1)).sum(axis=0)
            counts = (run.predicted & (self.targets != -1)).sum(axis=0)
            pairs = zip(hits / np.maximum(self.positives, 1), hits / np.maximum(counts, 1))
            decided = [
                *((run.result[f'{a}R_calibrated'], run.result[f'{a}P_calibrated']) for a in 'OC'),
                *((100 * recall, 100 * precision) for recall, precision in pairs),
            ]
            curves.append([])
            for line, circle in zip((found.micro, found.macro, *found.classes), decided):
                points = ' '.join(f'{x:.4g},{y:.4g}' for x, y in (() if line is None else line.T))
                circle = tuple(round(float(value), 1) for value in circle)
                curves[-1].append(dict(points=points, decided=circle))
        return zip(*curves)


def _percent(value: float, form: str = '.1f') -> str:
    """'81.2', or with a sign '−1.2'; a dash where there is no value."""
    return '–' if np.isnan(value) else f'{value:{form}}'.replace('-', '−')


def _cell(
    value: float,
    span: Sequence[float] = (np.nan, np.nan),
    form: str = '.1f',
    full: float | None = None,
) -> Cell:
    """A number in percent with its interval; without a value it sorts below all others."""
    low, high = (_percent(limit, form.replace('2', '1')) for limit in span)
    number = round(float(np.nan_to_num(value, nan=-1)), 4)
    note = '' if np.isnan(span[0]) else f'[{low}, {high}]'
    return Cell(_percent(value, form), note, number, full)


def _clipped(values: ndarray, measured: float | ndarray) -> tuple[ndarray, ndarray]:
    low, high = interval(values, measured)
    return np.clip(low, 0, 100), np.clip(high, 0, 100)
