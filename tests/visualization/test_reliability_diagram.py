"""Bars of the reliability diagram are as high as the shares that they stand for."""

import numpy as np

from mlgcn.evaluation.calibration import Reliability
from mlgcn.visualization.reliability_diagram import BAR, reliability_diagram


def test_bars():
    shares = np.array([0.1, 0.0, 0.5, 1.0])
    measured = Reliability(np.array([99, 0, 9, 1]), np.array([0.1, 0, 0.6, 0.9]), shares, 0.012)
    image = reliability_diagram([('before', measured), ('after', measured)]).png()
    bar = np.array([int(BAR[i : i + 2], 16) for i in (1, 3, 5)])
    found = (np.abs(np.asarray(image).astype(int) - bar).max(axis=2) < 8).sum(axis=0)
    edges = np.flatnonzero(np.diff(np.r_[0, found > 0, 0]))
    heights = [found[a + 2 : b - 2].max() for a, b in edges.reshape(-1, 2) if b - a > 20]
    assert len(heights) == 6  # three bins with labels, in two panels
    np.testing.assert_allclose(np.array(heights) / max(heights), [0.1, 0.5, 1] * 2, atol=0.04)
