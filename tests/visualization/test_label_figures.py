"""Graphs, matrices and the reliability diagram show their numbers."""

import io

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from mlgcn.evaluation.calibration import Reliability
from mlgcn.visualization.drawing import style
from mlgcn.visualization.label_figures import (
    BAR,
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


def test_a_matrix_shows_its_numbers_and_names():
    with style(NAMES):
        values = np.array([[0.0, 0.001], [-0.3, 5.27]])
        svg = matrix_figure(values, NAMES[:2], NAMES[2:4], 'title', True).svg('s')
        for text in ('+0.00', '-0.30', '+5.27', 'label 0', 'label 3', '-5.27', '5.27'):
            assert f'>{text}<' in svg, text
        svg = matrix_figure(np.array([[4.3e-9]]), NAMES[:1], NAMES[:1], 'title', True).svg('s')
        assert '>+0.0000000043<' in svg
        svg = matrix_figure(np.zeros((1, 1)), NAMES[:1], NAMES[:1], 'title', False).svg('s')
        assert '>0<' in svg


@pytest.mark.parametrize('n, edges', [(1, 0), (3, 6), (10, 30), (20, 30)])
def test_graphs_keep_their_heaviest_edges(n, edges):
    weights = np.arange(n * n, dtype=float).reshape(n, n)
    with style(NAMES):
        drawing = graph_figure(weights, NAMES[:n], np.full(n, 0.42), 'graph')
        svg = drawing.svg('s')
    arrows = drawing.figure.axes[0].patches
    assert len(arrows) == edges and svg.count('>42<') == n
    assert all(f'>{name}<' in svg for name in NAMES[:n])
    if edges:  # the heaviest is the last, and the widest
        widths = [arrow.get_linewidth() for arrow in arrows]
        assert widths == sorted(widths) and widths[-1] == 6
        assert ('all edges' if n == 3 else f'the 30 heaviest of {n * (n - 1)}') in drawing.title


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
