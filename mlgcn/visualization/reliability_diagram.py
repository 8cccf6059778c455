"""How often labels are present that are given a probability, drawn."""

from collections.abc import Sequence

import numpy as np

from mlgcn.evaluation.calibration import Reliability

from .explanation.canvas import Canvas

SIDE, GAP, LEFT, TOP, HISTOGRAM = 260, 70, 50, 60, 60
BAR, DOT = '#56b4e9', '#d55e00'  # Okabe and Ito's
GRID = '#d5d8dc'


def reliability_diagram(panels: Sequence[tuple[str, Reliability]]) -> Canvas:
    """One square for each (title, reliability): shares over probabilities, counts below them.

    Bars are the shares of labels that are present, dots the mean probabilities; where the bars end
    at the dashed diagonal, probabilities are what they say. The counts are on a logarithmic scale.
    """
    width = LEFT + len(panels) * (SIDE + GAP) - GAP + 30
    title = 'Reliability: share of labels present over predicted probability'
    canvas = Canvas(width, TOP + SIDE + HISTOGRAM + 70, title)
    for index, (name, measured) in enumerate(panels):
        _panel(canvas, LEFT + index * (SIDE + GAP), name, measured)
    return canvas


def _panel(canvas: Canvas, left: float, name: str, measured: Reliability) -> None:
    bins, bottom = len(measured.count), TOP + SIDE
    canvas.text((left, 20), name, 15)
    canvas.text((left, 40), f'share present; ECE {100 * measured.error:.2f}%', 13, 'soft')
    for tick in (0, 0.25, 0.5, 0.75, 1):
        height = bottom - tick * SIDE
        canvas.polyline([(left, height), (left + SIDE, height)], GRID, 1)
        canvas.text((left - 8, height), f'{tick:g}', 12, 'soft', 'end')
        canvas.text(
            (left + tick * SIDE, bottom + HISTOGRAM + 26), f'{tick:g}', 12, 'soft', 'middle'
        )
    step, most = SIDE / bins, np.log1p(max(measured.count.max(), 1))
    for b in range(bins):
        if not measured.count[b]:
            continue
        x = left + b * step
        canvas.rect((x + 1, bottom - SIDE * measured.observed[b], x + step - 1, bottom), BAR)
        count = HISTOGRAM * np.log1p(measured.count[b]) / most
        base = bottom + 12 + HISTOGRAM
        canvas.rect((x + 1, base - count, x + step - 1, base), 'soft')
        place = (left + measured.predicted[b] * SIDE, bottom - measured.predicted[b] * SIDE)
        canvas.circle(place, 3, DOT)
    for dash in range(0, 41, 2):
        ends = ((left + k * SIDE / 41, bottom - k * SIDE / 41) for k in (dash, dash + 1))
        canvas.polyline(list(ends), 'text', 1.2)
    canvas.rect((left, TOP, left + SIDE, bottom), None, 'soft', 1)
    canvas.text(
        (left + SIDE / 2, bottom + HISTOGRAM + 48),
        'probability, and numbers of labels',
        12,
        'soft',
        'middle',
    )
