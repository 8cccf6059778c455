"""Graphs, matrices and the reliability diagram show their numbers."""

import io

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.text import Text
from PIL import Image

from mlgcn.evaluation.calibration import Reliability
from mlgcn.visualization.drawing import picture, style
from mlgcn.visualization.label_figures import (
    BAR,
    curves_figure,
    graph_figure,
    ink_on,
    matrix_figure,
    reliability_diagram,
)

NAMES = [f'label {i}' for i in range(20)]


@pytest.mark.parametrize('name', ['viridis', 'PuOr_r'])
def test_numbers_can_be_read_on_every_colour(name):
    for color in colormaps[name](np.linspace(0, 1, 101)):
        linear = np.where(color <= 0.03928, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)[:3]
        luminance = linear @ (0.2126, 0.7152, 0.0722)
        low, high = sorted([luminance, 1.0 if ink_on(color) == 'white' else 0.0])
        assert (high + 0.05) / (low + 0.05) >= 4.5, color


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


@pytest.mark.parametrize('values, signed, expected', [
    ([[0.0, 0.001], [-0.3, 5.27]], True, ['+0.00', '-0.30', '+5.27', 'label 0', 'label 3', '5.27']),
    ([[4.3e-9]], True, ['+0.0000000043']),
    ([[0.0]], False, ['0', '1']),
])  # fmt: skip
def test_a_matrix_shows_its_numbers_and_names(values, signed, expected):
    n = len(values)
    with style(NAMES):
        figure = matrix_figure(np.array(values), NAMES[:n], NAMES[n : 2 * n], 'title', signed)
    assert not {*expected} - {*texts(figure)}


def test_curves_have_a_point_for_each_share_and_bars_to_the_extremes():
    curves = {'linear 320': {0.5: [80.0, 82.0], 1.0: [90.0]}, 'csra 320': {0.5: [70.0], 1.0: [75]}}
    with style(curves):
        figure = curves_figure(curves)
        picture(figure)
    assert {*curves, '50', '100'} <= {*texts(figure)}
    (line, _, (bars,)), _ = (each for each in figure.axes[0].containers)
    assert line.get_ydata().tolist() == [81, 90]
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [[80, 82], [90, 90]]


@pytest.mark.parametrize('n, edges', [(1, 0), (3, 6), (10, 30), (20, 30)])
def test_graphs_keep_their_heaviest_edges(n, edges):
    weights = np.arange(n * n, dtype=float).reshape(n, n)
    with style(NAMES):
        figure = graph_figure(weights, NAMES[:n], np.full(n, 0.42), 'graph')
    arrows, shown = figure.axes[0].patches, texts(figure)
    assert len(arrows) == edges and shown.count('42') == n and not {*NAMES[:n]} - {*shown}
    if edges:  # the heaviest is the last, and the widest
        widths = [arrow.get_linewidth() for arrow in arrows]
        assert widths == sorted(widths) and widths[-1] == 6
        title = figure.get_suptitle()
        assert ('all edges' if n == 3 else f'the 30 heaviest of {n * (n - 1)}') in title


@pytest.mark.parametrize('weight, legend', [(0.2, 'all edges'), (0.0, 'no edges')])
def test_weights_of_zero_are_no_edges(weight, legend):
    weights = np.eye(4)
    weights[0, 1] = weight
    with style(NAMES):
        figure = graph_figure(weights, NAMES[:4], np.full(4, 0.42), 'graph')
    assert len(figure.axes[0].patches) == (weight > 0) and legend in figure.get_suptitle()


def test_the_bars_of_the_reliability_diagram_are_the_shares():
    shares = np.array([0.1, 0.0, 0.5, 1.0])
    measured = Reliability(np.array([99, 0, 9, 1]), np.array([0.1, 0, 0.6, 0.9]), shares, 0.012)
    png = reliability_diagram([('before', measured), ('after', measured)])
    image = Image.open(io.BytesIO(png)).convert('RGB')
    bar = np.array([int(BAR[i : i + 2], 16) for i in (1, 3, 5)])
    found = (np.abs(np.asarray(image).astype(int) - bar).max(axis=2) < 8).sum(axis=0)
    edges = np.flatnonzero(np.diff(np.r_[0, found > 0, 0]))
    heights = [found[a:b].max() for a, b in edges.reshape(-1, 2) if b - a > 20]
    assert len(heights) == 6  # three bins with labels, in two panels
    np.testing.assert_allclose(np.array(heights) / max(heights), [0.1, 0.5, 1] * 2, atol=0.04)
