"""Figures of numbers: matrices and graphs among labels, reliability of probabilities."""

import math
from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy import ndarray

from mlgcn.evaluation.calibration import Reliability

from .drawing import EDGE, SOFT, TEXT, add_scale, new_figure, picture, shortened, style
from .page import encoded

MOST_EDGES, MOST_LEVEL = 30, 12  # edges that are drawn, labels whose names are level
BAR, DOT = '#56b4e9', '#d55e00'  # Okabe and Ito's


def matrix_figure(
    values: ndarray, rows: Sequence[str], columns: Sequence[str], title: str, signed: bool
) -> Figure:
    """A matrix (rows, columns) as coloured squares with its numbers, and its scale.

    Unsigned values are coloured from 0 to the largest, signed ones from minus to plus the largest.
    """
    high = float(np.abs(values).max()) or 1.0
    digits = f'+.{max(2, 1 - math.floor(math.log10(high)))}f' if signed else '.2g'
    scale = ScalarMappable(
        Normalize(-high if signed else 0, high), 'PuOr_r' if signed else 'viridis'
    )
    across, down = ([shortened(name) for name in names] for names in (columns, rows))
    width, height = (9 * max(map(len, names)) for names in (down, across))  # of the names
    size = max(50 + width + 58 * len(columns), 450), 130 + height + 35 * len(rows)
    axes = new_figure(*size, title).add_subplot()
    colors = scale.to_rgba(values)
    axes.imshow(colors, aspect='auto', interpolation='none')
    for (i, j), value in np.ndenumerate(values):
        axes.text(j, i, f'{value:{digits}}', ha='center', va='center', color=ink_on(colors[i, j]))
    axes.set_xticks(range(len(columns)), across, rotation=90)
    axes.set_yticks(range(len(rows)), down)
    axes.xaxis.tick_top()
    add_scale(scale, axes)
    return axes.figure


def graph_figure(
    weights: ndarray, names: Sequence[str], probabilities: Sequence[float], title: str
) -> Figure:
    """Labels on a circle and the heaviest edges among them; weights (n, n) >= 0 from row to column.

    Neither the diagonal is drawn nor weights of 0, which ML-GCN's graph has.
    """
    n = len(names)
    pairs = ((i, j) for i in range(n) for j in range(n) if i != j)
    edges = sorted((weights[i, j], i, j) for i, j in pairs if weights[i, j])
    count, edges = len(edges), edges[-MOST_EDGES:]  # the heaviest is drawn last, on top
    heaviest = max((weight for weight, *_ in edges), default=0) or 1.0
    shares = np.array([weight / heaviest for weight, *_ in edges])
    drawn = 'all edges' if len(edges) == count else f'the {len(edges)} heaviest of {count} edges'
    legend = f'{drawn}, width: weight, up to {heaviest:.2g}' if edges else 'no edges among these'
    title = f'{title}\n{legend}\nin nodes: probability in %'
    radius = max(110.0, 62 * n / (2 * math.pi))  # points
    limit = 1 + 28 / radius
    size = 2 * radius + 300, 2 * radius + (180 if n <= MOST_LEVEL else 460)
    axes = new_figure(*size, title).add_subplot(aspect='equal')
    angles = np.pi / 2 - 2 * np.pi * np.arange(n) / n  # from the top, clockwise
    places = dict(enumerate(zip(np.cos(angles), np.sin(angles))))
    graph = nx.DiGraph((i, j) for _, i, j in edges)
    graph.add_nodes_from(places)
    nx.draw_networkx_nodes(
        graph, places, ax=axes, node_size=1600, node_color='white', edgecolors=TEXT
    )
    nx.draw_networkx_edges(
        graph, places, [edge for _, *edge in edges], 0.8 + 5.2 * shares, EDGE, ax=axes,
        node_size=1600, alpha=list(0.35 + 0.65 * shares), arrowsize=list(10 + 10 * shares),
        connectionstyle='arc3,rad=0.15',
    )  # fmt: skip
    for k, (x, y) in places.items():
        axes.text(x, y, f'{100 * probabilities[k]:.0f}', ha='center', va='center')
        # names are outside of the circle; where there are many, they point outwards
        angle = 0 if n <= MOST_LEVEL else math.degrees(math.atan2(y, x)) - 180 * (x < 0)
        side = 'center' if abs(x) < 0.01 and not angle else 'left' if x >= 0 else 'right'
        text = axes.text(x * limit, y * limit, shortened(names[k]), ha=side, va='center')
        text.set(rotation=angle, rotation_mode='anchor')
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit))
    return axes.figure


def reliability_diagram(panels: Sequence[tuple[str, Reliability]]) -> bytes:
    """A PNG, one panel per (title, reliability): shares over probabilities, counts of labels below.

    Bars are the shares of labels that are present, dots the mean probabilities: of calibrated
    probabilities the bars end at the dashed diagonal.
    """
    with style(title for title, _ in panels):
        figure = new_figure(360 * len(panels), 480, 'Reliability')
        rows = figure.subplots(
            2, len(panels), sharex=True, squeeze=False, gridspec_kw={'height_ratios': (4, 1)}
        )
        for (name, measured), shares, counts in zip(panels, *rows):
            bins, some = len(measured.count), measured.count > 0
            starts, bars = np.arange(bins) / bins, {'width': 0.9 / bins, 'align': 'edge'}
            shares.bar(starts[some], measured.observed[some], color=BAR, **bars)
            shares.plot(measured.predicted[some], measured.predicted[some], 'o', color=DOT)
            shares.plot((0, 1), (0, 1), '--', color=TEXT)
            shares.set(xlim=(0, 1), ylim=(0, 1), ylabel='share present')
            shares.set_title(f'{name}\nECE {100 * measured.error:.2f}%')
            counts.bar(starts, measured.count, color=SOFT, **bars)
            counts.set_yscale('symlog')  # counts of 0 have a place on it
            counts.yaxis.set_major_formatter('{x:,.0f}')
            counts.set(xlabel='predicted probability', ylabel='labels')
        return encoded(picture(figure), 'PNG')


def ink_on(color: ndarray) -> str:
    """Black or white, whichever contrasts more with RGB(A) in [0, 1]: WCAG's relative luminance."""
    luminance = np.asarray(color)[:3] ** 2.2 @ (0.2126, 0.7152, 0.0722)
    return 'black' if luminance > 0.179 else 'white'


def curves_figure(curves: Mapping[str, Mapping[float, Sequence[float]]]) -> Figure:
    """mAP over the share of the training photographs, a line for each model.

    Args:
        curves: by the models' names: share (0, 1] -> mAP of each seed. Points are means, bars
            reach from the least to the greatest.
    """
    axes = new_figure(620, 330, 'mAP by the share of the training photographs').add_subplot(
        xlabel='share of the training photographs, %', ylabel='mAP, %'
    )
    for number, (name, curve) in enumerate(curves.items()):
        shares = sorted(curve)
        means = np.array([np.mean(curve[share]) for share in shares])
        low, high = ([f(curve[share]) for share in shares] for f in (min, max))
        # beside each other, else bars of one share hide one another
        places = 100 * np.array(shares) + 0.6 * (number - (len(curves) - 1) / 2)
        axes.errorbar(places, means, (means - low, high - means), marker='o', capsize=2, label=name)
    axes.set_xticks([100 * share for share in shares])
    axes.grid(axis='y', color=SOFT, alpha=0.2)
    axes.legend(frameon=False, loc='center left', bbox_to_anchor=(1, 0.5))
    return axes.figure
