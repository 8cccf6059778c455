"""Figures are the same every time, in fonts that have the names."""

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

from mlgcn.visualization.drawing import add_scale, fonts_for, new_figure, picture, shortened, style

NAMES = ['a & <script>alert(1)</script>', '$x$', 'стол']


def test_a_figure():
    opened = pyplot.get_fignums()  # by upstream, in other tests
    before = dict(matplotlib.rcParams)

    def image():
        with style(NAMES):
            axes = new_figure(200, 200, NAMES[1]).add_subplot()
            scale = add_scale(axes.imshow(np.array([[1, 0.25]])), axes)
            assert [text.get_text() for text in scale.get_xticklabels()] == ['0.25', '1']
            assert axes.figure.get_suptitle() == NAMES[1]
            return picture(axes.figure)

    assert dict(matplotlib.rcParams) == before
    first = image()
    assert first.size == (400, 400) and first.getpixel((3, 3)) == (255, 255, 255)
    assert np.array_equal(first, image())
    assert pyplot.get_fignums() == opened


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('text', ['traffic light', 'стол', 'Stühle & Bänke', '椅子'])
def test_every_text_is_drawn(text):
    assert fonts_for(frozenset(text))[0] == 'DejaVu Sans'
    with style([text]):
        picture(new_figure(200, 100, text))


def test_shortened():
    assert shortened('two\nlines', 18) == 'two lines' and shortened('abcdef', 4) == 'abc…'
