"""The numbers of the report's tables: rows of texts and cells for templates/macros.html.j2."""

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from mlgcn.evaluation import (
    METRIC_NAMES,
    BootstrapScores,
    LabelPairs,
    MultiLabelResult,
    SizeBand,
    centred,
    interval,
)
from mlgcn.evaluation.analysis import BANDS

from .page import Cell
from .runs import Run

FEWEST = 5  # positives of a class, for an interval of its AP
NUM_PAIRS = 20
COMPARED = ('mAP', 'CF1', 'OF1', 'CF1_top3', 'OF1_top3')
MEANING = {
    'mAP': 'mean average precision',
    'CP': 'precision, mean over classes',
    'CR': 'recall, mean over classes',
    'CF1': 'harmonic mean of CP and CR',
    'OP': 'precision of all predictions',
    'OR': 'recall of all labels',
    'OF1': 'harmonic mean of OP and OR',
}
# Limits of P(second | first) in %; the first bin holds the pairs that never occur together.
EDGES = (-1, 0, 1, 2, 5, 10, 20, 40, 100)
Rows = list[list[str | Cell]]


def percent(value: float, form: str = '.1f') -> str:
    """'81.2', or with a sign '−1.2'; a dash where there is no value."""
    return '–' if np.isnan(value) else f'{value:{form}}'.replace('-', '−')


def bounds(low: float, high: float, form: str = '.1f') -> str:
    return '' if np.isnan(low) else f'[{percent(low, form)}, {percent(high, form)}]'


def metric_table(runs: Sequence[Run], samples: Sequence[BootstrapScores]) -> Rows:
    """Every metric of every run in percent, with its interval, protocol and number of images."""
    rows = []
    for name in METRIC_NAMES:
        base = name.removesuffix('_top3')
        row = [name.replace('_', ' ')]
        for run, sample in zip(runs, samples):
            value = run.result[name]
            row.append(Cell(percent(value, '.2f'), bounds(*_clipped(sample.values[name], value))))
        meaning = MEANING[base] + (', at most 3 labels an image' if base != name else '')
        rows.append([*row, runs[0].result.protocol, f'{runs[0].result.num_images:,}', meaning])
    return rows


def comparison_table(runs: Sequence[Run], samples: Sequence[BootstrapScores]) -> Rows:
    """The differences of the other runs to the first, paired over the same drawn images."""
    rows = []
    for run, sample in zip(runs[1:], samples[1:]):
        row = [f'{run.name} − {runs[0].name}']
        for name in COMPARED:
            replicates = sample.values[name] - samples[0].values[name]
            value = run.result[name] - runs[0].result[name]
            ahead = 100 * np.mean(centred(replicates, value) > 0)
            note = f'{bounds(*interval(replicates, value), "+.1f")} ahead in {ahead:.1f} %'
            row.append(Cell(percent(value, '+.2f'), note))
        rows.append(row)
    return rows


def class_table(runs: Sequence[Run], samples: Sequence[BootstrapScores]) -> Rows:
    """Average precision of every class as bars with intervals, the first run's lowest first."""
    first = runs[0].result
    aps = [np.where(first.positives < FEWEST, np.nan, run.result.ap) for run in runs]
    spans = [_clipped(sample.ap, ap) for sample, ap in zip(samples, aps)]
    gaps = [interval(sample.ap - samples[0].ap, ap - aps[0]) for sample, ap in zip(samples, aps)]
    rows = []
    for k in np.argsort(first.ap):
        values = [run.result.ap[k] for run in runs]
        row = [first.class_names[k], f'{first.positives[k]:,}']
        row.append(_bars(values, limits=[(low[k], high[k]) for low, high in spans]))
        for value, (low, high) in zip(values[1:], gaps[1:]):
            gap, clear = value - values[0], bool(low[k] > 0 or high[k] < 0)
            note = bounds(low[k], high[k], '+.1f')
            row.append(Cell(percent(gap, '+.1f'), note, float(np.nan_to_num(gap)), clear))
        rows.append(row)
    return rows


def size_tables(
    result: MultiLabelResult, sizes: Sequence[dict[str, SizeBand]]
) -> tuple[Rows, Rows]:
    """mAP of small, medium and large objects, then positives and AP of every class."""
    bands = []
    for name, (low, high) in BANDS.items():
        ends = [f'{round(area**0.5)}²' for area in (low, high) if 0 < area < np.inf]
        area = '–'.join(ends) if len(ends) == 2 else f'{"from" if low else "below"} {ends[0]}'
        number = sizes[0][name].positives
        bars = _bars([size[name].mean_ap for size in sizes])
        bands.append([name, bars, f'{number.sum():,}', f'{(number > 0).sum():,}', area])
    classes = [[name] for name in result.class_names]
    for k, row in enumerate(classes):
        for band in BANDS:
            row.append(f'{sizes[0][band].positives[k]:,}')
            row.append(_bars([size[band].ap[k] for size in sizes]))
    return bands, classes


def pair_bins(found: Sequence[LabelPairs]) -> Rows:
    """False predictions of a second label beside a first, by how often both truly occur."""
    other = ~np.eye(len(found[0].base), dtype=bool) & (found[0].absent > 0)
    together = 100 * found[0].cooccurrence
    bins = []
    for low, high in zip(EDGES, EDGES[1:]):
        inside = other & (together > low) & (together <= high)
        if inside.any():
            sums = [[a[inside].sum() for a in (p.falsely, p.absent, p.expected)] for p in found]
            rates = [100 * falsely / absent for falsely, absent, _ in sums]
            lifts = [f'× {f / expected:.1f}' if expected else '–' for f, _, expected in sums]
            name = 'never' if high == 0 else f'over {low} to {high} %'
            bins.append((name, f'{inside.sum():,}', rates, ' '.join(lifts)))
    full = max((max(rates) for *_, rates, _ in bins), default=0) or 1
    form = '.1f' if full >= 5 else '.3f'
    return [[name, number, _bars(rates, full, form), lifts] for name, number, rates, lifts in bins]


def worst_pairs(runs: Sequence[Run], found: Sequence[LabelPairs]) -> Rows:
    """The pairs with the most false predictions beyond those that the second label gets anyway."""
    counted = [np.where(p.falsely < 2, 0, p.falsely - p.expected) for p in found]
    excess = np.max(counted, axis=0)
    np.fill_diagonal(excess, 0)
    names, rows = runs[0].file.class_names, []
    for i in np.argsort(-excess, axis=None)[:NUM_PAIRS]:
        a, b = np.unravel_index(i, excess.shape)
        if excess[a, b] <= 0:
            break
        absent = found[0].absent[a, b]
        row = [names[a], names[b], f'{100 * found[0].cooccurrence[a, b]:.1f} %', f'{absent:,.0f}']
        for pairs in found:
            number = pairs.falsely[a, b]
            text = f'{number:,.0f} = {100 * number / absent:.1f} %'
            row.append(Cell(text, f'({100 * pairs.base[b]:.1f} %)', float(number)))
        rows.append(row)
    return rows


def _bars(
    values: Sequence[float], full: float = 100, form: str = '.1f', limits: Sequence | None = None
) -> Cell:
    """One bar per run of `values` in percent; that of the value `full` fills the cell."""
    bars = []
    for value, (low, high) in zip(values, limits or [(np.nan, np.nan)] * len(values)):
        length = round(100 * float(np.nan_to_num(value)) / full, 2)
        shown = None if np.isnan(low) else (round(float(low), 1), round(float(high), 1))
        bars.append((percent(value, form), length, shown))
    return Cell(sort=round(float(np.nan_to_num(values[0], nan=-1)), 4), bars=bars)


def _clipped(values: ndarray, measured: float | ndarray) -> tuple[ndarray, ndarray]:
    low, high = interval(values, measured)
    return np.clip(low, 0, 100), np.clip(high, 0, 100)
