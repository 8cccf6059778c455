"""The report's section on labels that are falsely predicted beside others."""

from collections.abc import Sequence
from html import escape

import numpy as np

from mlgcn.evaluation import LabelPairs, label_pairs

from .html import bars, cell, key, legend, row, table
from .runs import Run

# Limits of P(second | first) in %; the first bin holds the pairs that never occur together.
EDGES = (0, 1, 2, 5, 10, 20, 40, 100)
NUM_PAIRS = 20
EXPLANATION = """<p class="soft">Where one label is present and a second is not, how often is
the second predicted all the same? Pairs are grouped by how often the second is truly there when the
first is. A model that leans on co-occurrence errs more often where labels usually come together.
"× 2.0" says that these false predictions are twice as frequent as the second labels' own rates of
false predictions, over all images, would make them.</p>"""


def pairs_section(runs: Sequence[Run]) -> str:
    """False predictions by co-occurrence as bars, then the pairs that stand out."""
    found = [label_pairs(run.predicted, run.file.targets) for run in runs]
    if len(runs[0].file.class_names) == 1:
        return '<p>One class has no pairs.</p>'
    return EXPLANATION + legend(runs) + _bins(runs, found) + _worst(runs, found)


def _bins(runs: Sequence[Run], found: Sequence[LabelPairs]) -> str:
    other = ~np.eye(len(found[0].base), dtype=bool) & (found[0].absent > 0)
    together = 100 * found[0].cooccurrence
    head = ['Second label also present', 'Pairs', '|Falsely predicted, in %', 'Against own rate']
    bins = []
    for low, high in zip((-1, *EDGES), EDGES):
        inside = other & (together > low) & (together <= high)
        if not inside.any():
            continue
        rates, lifts = [], []
        for pairs in found:
            falsely, absent = pairs.falsely[inside].sum(), pairs.absent[inside].sum()
            expected = pairs.expected[inside].sum()
            rates.append(100 * falsely / absent)
            lifts.append(f'× {falsely / expected:.1f}' if expected else '–')
        name = 'never' if high == 0 else f'over {low} to {high} %'
        bins.append((name, f'{inside.sum():,}', rates, '<br>'.join(lifts)))
    if not bins:
        return '<p>No image has one label present and another absent.</p>'
    full = max(max(rates) for _, _, rates, _ in bins) or 1
    rows = [
        row(name, [cell(number), bars(rates, runs, None, full, 1 if full >= 5 else 3), cell(lifts)])
        for name, number, rates, lifts in bins
    ]
    return table(head, rows, 'pairs')


def _worst(runs: Sequence[Run], found: Sequence[LabelPairs]) -> str:
    """The pairs with the most false predictions beyond those that the second label gets anyway."""
    counted = [np.where(p.falsely < 2, 0, p.falsely - p.expected) for p in found]
    excess = np.max(counted, axis=0)
    np.fill_diagonal(excess, 0)
    order = [i for i in np.argsort(-excess, axis=None)[:NUM_PAIRS] if excess.flat[i] > 0]
    if not order:
        return (
            '<p>No label is falsely predicted beside another on two images or more and more often '
            'than elsewhere.</p>'
        )
    names = runs[0].file.class_names
    head = ['Present', '|Falsely predicted', 'Truly together', 'Images with the first only']
    head += [f'{key(i)}{escape(run.name)}' for i, run in enumerate(runs)]
    rows = []
    for i in order:
        a, b = np.unravel_index(i, excess.shape)
        absent = found[0].absent[a, b]
        together = 100 * found[0].cooccurrence[a, b]
        cells = [f'<td class="text">{escape(names[b])}</td>', cell(f'{together:.1f} %', together),
                 cell(f'{absent:,.0f}', absent)]  # fmt: skip
        for pairs in found:
            number = pairs.falsely[a, b]
            rate, own = 100 * number / absent, f'<small>({100 * pairs.base[b]:.1f}&nbsp;%)</small>'
            cells.append(cell(f'{number:,.0f}&nbsp;=&nbsp;{rate:.1f}&nbsp;% {own}', number))
        rows.append(row(names[a], cells))
    return (
        f"<h3>The {len(order)} pairs with the most false predictions beyond the label's own rate"
        '</h3><p class="soft">Under each run: the images with the first label only on which it '
        'predicts the second (two or more), and in brackets how often it falsely predicts the '
        f'second on all images without it.</p>{table(head, rows, "sortable")}'
    )
