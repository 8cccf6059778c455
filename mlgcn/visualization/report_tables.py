"""The report's tables: metrics with intervals, comparison of runs, AP per class and by size."""

from collections.abc import Sequence
from html import escape

import numpy as np

from mlgcn.evaluation import METRIC_NAMES, BootstrapScores, SizeBand, centred, interval
from mlgcn.evaluation.analysis import BANDS

from .html import bars, cell, key, legend, percent, row, signed, span, table
from .runs import Run

FEWEST = 5  # positives of a class, for an interval of its AP
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


def metric_table(runs: Sequence[Run], samples: Sequence[BootstrapScores]) -> str:
    """Every metric of every run in percent, with its interval."""
    head = ['Metric', *(f'{key(i)}{escape(run.name)}' for i, run in enumerate(runs)), 'Protocol',
            'Images', '|Meaning']  # fmt: skip
    rows = []
    for name in METRIC_NAMES:
        cells = []
        for run, sample in zip(runs, samples):
            value = run.result[name]
            cells.append(cell(f'<b>{value:.2f}</b> {span(_bounds(sample.values[name], value))}'))
        base = name.removesuffix('_top3')
        meaning = MEANING[base] + (', at most 3 labels an image' if base != name else '')
        result = runs[0].result
        rows.append(row(name.replace('_', ' '), [
            *cells, cell(escape(result.protocol)), cell(f'{result.num_images:,}'),
            f'<td class="meaning">{meaning}</td>']))  # fmt: skip
    return table(head, rows)


def comparison_table(runs: Sequence[Run], samples: Sequence[BootstrapScores]) -> str:
    """The differences of the other runs to the first, paired over the same drawn images."""
    head = ['Difference', *(f'{name.replace("_", " ")}' for name in COMPARED)]
    rows = []
    for run, sample in zip(runs[1:], samples[1:]):
        cells = []
        for name in COMPARED:
            difference = sample.values[name] - samples[0].values[name]
            value = run.result[name] - runs[0].result[name]
            ahead = 100 * np.mean(centred(difference, value) > 0)
            shown = f'<b>{signed(value, 2)}</b> {span(interval(difference, value), signed)}'
            cells.append(cell(f'{shown}<br><small>ahead in {ahead:.1f} %</small>'))
        rows.append(row(f'{run.name} − {runs[0].name}', cells))
    return table(head, rows)


def class_table(runs: Sequence[Run], samples: Sequence[BootstrapScores]) -> str:
    """Average precision of every class as bars with intervals, the first run's lowest first."""
    first = runs[0].result
    few = first.positives < FEWEST
    aps = [np.where(few, np.nan, run.result.ap) for run in runs]
    spans = [_bounds(sample.ap, ap) for sample, ap in zip(samples, aps)]
    gaps = [interval(sample.ap - samples[0].ap, ap - aps[0]) for sample, ap in zip(samples, aps)]
    head = ['Class', 'Positives', '|AP in %']
    head += [f'{escape(run.name)} − {escape(runs[0].name)}' for run in runs[1:]]
    rows = []
    for k in np.argsort(first.ap):
        values = [run.result.ap[k] for run in runs]
        cells = [cell(f'{first.positives[k]:,}', first.positives[k])]
        cells.append(bars(values, runs, [(low[k], high[k]) for low, high in spans]))
        for value, (low, high) in zip(values[1:], gaps[1:]):
            difference = value - values[0]
            clear = low[k] > 0 or high[k] < 0
            shown = f'<b>{signed(difference)}</b>' if clear else signed(difference)
            shown += f' {span((low[k], high[k]), signed)}'
            cells.append(cell(shown, np.nan_to_num(difference)))
        rows.append(row(first.class_names[k], cells))
    kind = 'classes sortable searchable' + (' long' if len(rows) > 40 else '')
    return legend(runs) + table(head, rows, kind)


def _bounds(values: np.ndarray, measured: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = interval(values, measured)
    return np.clip(low, 0, 100), np.clip(high, 0, 100)


def size_tables(runs: Sequence[Run], sizes: Sequence[dict[str, SizeBand]]) -> str:
    """mAP of small, medium and large objects, then the same of every class."""
    limits = [
        '–'.join(f'{round(area**0.5)}²' for area in (low, high) if 0 < area < np.inf)
        for low, high in BANDS.values()
    ]
    head = ['Size', '|mAP in %', 'Positives', 'Classes', 'Area in pixels']
    rows = []
    for (band, (low, high)), limit in zip(BANDS.items(), limits):
        number = sizes[0][band].positives
        area = f'below {limit}' if not low else f'from {limit}' if high == np.inf else limit
        cells = [bars([size[band].mean_ap for size in sizes], runs), cell(f'{number.sum():,}')]
        rows.append(row(band, [*cells, cell(f'{(number > 0).sum():,}'), cell(area)]))
    summary = legend(runs) + table(head, rows, 'sizes')

    head = ['Class', *(text for band in BANDS for text in (f'{band}, positives', f'{band}, AP'))]
    result, rows = runs[0].result, []
    for k, name in enumerate(result.class_names):
        cells = []
        for band in BANDS:
            number = sizes[0][band].positives[k]
            aps = [size[band].ap[k] for size in sizes]
            shown = ' '.join(f'{key(i) if runs[1:] else ""}{percent(ap)}'
                             for i, ap in enumerate(aps))  # fmt: skip
            cells += [cell(f'{number:,}', number), cell(shown, np.nan_to_num(aps[0], nan=-1))]
        rows.append(row(name, cells))
    per_class = table(head, rows, 'sortable searchable')
    return f'{summary}<details><summary>Every class by size</summary>{per_class}</details>'
