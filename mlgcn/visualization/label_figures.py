"""Figures of numbers: matrices and graphs among labels, reliability of probabilities."""

import math
from collections.abc import Sequence

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy import ndarray

from mlgcn.evaluation.calibration import Reliability

from .drawing import CARD, EDGE, SOFT, TEXT, Drawing, shortened, style

CELL, NODE = (58, 35), 20  # points: a matrix entry, a node's radius
MOST_EDGES, MOST_LEVEL, LONGEST_NAME = 30, 12, 24
BAR, DOT = '#56b4e9', '#d55e00'  # Okabe and Ito's


def matrix_figure(
    values: ndarray, rows: Sequence[str], columns: Sequence[str], title: str, signed: bool
) -> Drawing:
    """A matrix (rows, columns) as coloured squares with its numbers, and its scale.

    Unsigned values are coloured from 0 to the largest, signed ones from minus to plus the largest.
    """
    high = float(np.abs(values).max()) or 1.0
    low = -high if signed else 0.0
    digits = f'+.{max(2, 1 - math.floor(math.log10(high)))}f' if signed else '.2g'
    scale = ScalarMappable(Normalize(low, high), 'PuOr_r' if signed else 'viridis')
    width, height = CELL[0] * len(columns), CELL[1] * len(rows)
    drawing = Drawing(width, height, title, tight=True)
    axes = drawing.axes(0, 0, width, height)
    colors = scale.to_rgba(values)
    axes.imshow(colors, aspect='auto', interpolation='none')
    for (i, j), value in np.ndenumerate(values):
        middle = {'ha': 'center', 'va': 'center', 'color': ink_on(colors[i, j])}
        axes.text(j, i, f'{value:{digits}}', size=13, **middle)
    across, down = ([shortened(n, LONGEST_NAME) for n in side] for side in (columns, rows))
    axes.set_xticks(range(len(columns)), across, rotation=90, size=13)
    axes.set_yticks(range(len(rows)), down, size=13)
    axes.xaxis.tick_top()
    axes.set_title(title, loc='left', size=14, pad=12)
    bar = axes.inset_axes((0, -30 / height, 160 / width, 16 / height))
    drawing.figure.colorbar(scale, bar, orientation='horizontal', ticks=())
    text = f'{low:.4g} to {high:.4g}'
    bar.text(1.06, 0.5, text, size=14, va='center', transform=bar.transAxes)
    return drawing


def graph_figure(
    weights: ndarray, names: Sequence[str], probabilities: Sequence[float], title: str
) -> Drawing:
    """Labels on a circle and the heaviest edges among them; weights (n, n) >= 0 from row to column.

    The diagonal is not drawn.
    """
    n = len(names)
    edges = sorted((weights[i, j], i, j) for i in range(n) for j in range(n) if i != j)
    count, edges = len(edges), edges[-MOST_EDGES:]  # the heaviest is drawn last, on top
    heaviest = max((weight for weight, *_ in edges), default=0) or 1.0
    shares = np.array([weight / heaviest for weight, *_ in edges])
    drawn = 'all edges' if len(edges) == count else f'the {len(edges)} heaviest of {count} edges'
    title = f'{title}\n{drawn}; width: weight, up to {heaviest:.2g}; in nodes: probability in %'
    radius = max(110.0, (2 * NODE + 22) * n / (2 * math.pi))
    side, limit = 2 * radius + 4 * NODE, 1 + 2 * NODE / radius
    drawing = Drawing(side, side, title, tight=True)
    axes = drawing.axes(0, 0, side, side)
    graph = nx.DiGraph((i, j) for _, i, j in edges)
    graph.add_nodes_from(range(n))
    # networkx starts at the right and goes counter-clockwise; here: from the top, clockwise
    places = {k: (y, x) for k, (x, y) in nx.circular_layout(range(n)).items()}
    common = dict(ax=axes, node_size=(2 * NODE) ** 2)
    nx.draw_networkx_nodes(graph, places, node_color=CARD, edgecolors=TEXT, **common)
    nx.draw_networkx_edges(
        graph, places, [(i, j) for _, i, j in edges], 0.8 + 5.2 * shares, EDGE,
        alpha=list(0.35 + 0.65 * shares), arrowsize=list(10 + 10 * shares),
        connectionstyle='arc3,rad=0.15', **common,
    )  # fmt: skip
    for k, (x, y) in places.items():
        axes.text(x, y, f'{100 * probabilities[k]:.0f}', size=14, ha='center', va='center')
        _write_beside(axes, (x, y), 1 + (NODE + 8) / radius, shortened(names[k], LONGEST_NAME), n)
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit))
    axes.set_title(title, loc='left', size=14, pad=30 if n <= MOST_LEVEL else 180)
    return drawing


def _write_beside(axes: Axes, place: tuple[float, float], out: float, name: str, n: int) -> None:
    """The name outside of the circle of n nodes: level, or radial where there are many."""
    x, y = place if n > 1 else (0, -1)  # networkx puts a single node into the middle
    out = out if n > 1 else out - 1
    side = 'left' if x > 0.01 else 'right' if x < -0.01 else 'center'
    up, angle = 'bottom' if y > 0 else 'top', 0.0
    if n > MOST_LEVEL:
        side = 'left' if x >= 0 else 'right'
        angle = math.degrees(math.atan2(y, x)) - 180 * (x < 0)
    up = up if side == 'center' else 'center'
    place = (x * out, y * out)
    axes.text(*place, name, size=14, ha=side, va=up, rotation=angle, rotation_mode='anchor')


def reliability_diagram(panels: Sequence[tuple[str, Reliability]]) -> bytes:
    """A PNG, one panel per (title, reliability): shares over probabilities, counts of labels below.

    Bars are the shares of labels that are present, dots the mean probabilities: of calibrated
    probabilities the bars end at the dashed diagonal.
    """
    with style(title for title, _ in panels):
        drawing = Drawing(360 * len(panels), 460, 'Reliability')
        rows = drawing.figure.subplots(
            2, len(panels), sharex=True, squeeze=False, gridspec_kw={'height_ratios': (4, 1)}
        )
        for (name, measured), shares, counts in zip(panels, *rows):
            bins, some = len(measured.count), measured.count > 0
            starts, bars = np.arange(bins) / bins, {'width': 0.9 / bins, 'align': 'edge'}
            shares.bar(starts[some], measured.observed[some], color=BAR, **bars)
            shares.plot(measured.predicted[some], measured.predicted[some], 'o', color=DOT)
            shares.plot((0, 1), (0, 1), '--', color=TEXT)
            shares.set(xlim=(0, 1), ylim=(0, 1), ylabel='share present')
            shares.set_title(f'{name}\nECE {100 * measured.error:.2f}%', loc='left')
            counts.bar(starts, measured.count, color=SOFT, **bars)
            counts.set_yscale('symlog')  # counts of 0 have a place on it
            counts.yaxis.set_major_formatter('{x:,.0f}')
            counts.set(xlabel='predicted probability', ylabel='labels')
        drawing.figure.set_layout_engine('constrained')
        return drawing.png()


def ink_on(color: ndarray) -> str:
    """Black or white, whichever contrasts more with RGB(A) in [0, 1]: WCAG's relative luminance."""
    luminance = np.asarray(color)[:3] ** 2.2 @ (0.2126, 0.7152, 0.0722)
    return 'black' if luminance > 0.179 else 'white'
