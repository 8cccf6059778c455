"""SVG for the page and PNG show the same, the same every time, in fonts that have the names."""

import io
import re
import sys
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from PIL import Image

from mlgcn.visualization import drawing as module
from mlgcn.visualization.drawing import CARD, TEXT, Drawing, fonts_for, shortened, style

NAMES = ['a & <script>alert(1)</script>', '$x$', 'стол']


def figure():
    drawing = Drawing(200, 100, NAMES[0])
    axes = drawing.figure.add_subplot(xticks=(), yticks=())
    axes.set_title(NAMES[0])
    axes.set_xlabel(NAMES[1])
    axes.plot((0, 1), (0, 1), color=CARD)
    photo = axes.imshow(np.zeros((2, 2)), 'gray', extent=(0, 1, 0, 1), aspect='auto')
    drawing.photo = ('photo7', photo)
    return drawing


def test_svg_for_a_page():
    with style(NAMES):
        drawing, again = figure(), figure()
        assert drawing.png() == again.png()
        svg = drawing.svg('salt')
        assert svg == again.svg('salt')
        root = ElementTree.fromstring(svg)
        other = ElementTree.fromstring(figure().svg('pepper'))
    assert root.get('aria-label') == NAMES[0] and '<script' not in svg and '$x$' in svg
    assert not {'width', 'height'} & set(root.attrib) and root.get('viewBox') == '0 0 200 100'
    ids = [{e.get('id') for e in tree.iter()} - {None} for tree in (root, other)]
    assert not ids[0] & ids[1]
    assert 'var(--text)' in svg and TEXT not in svg and 'var(--card)' in svg
    (use,) = root.findall(f'{module.SVG}use')
    assert use.get('href') == '#photo7' and '<image' not in svg
    place = [float(number) for number in re.findall(r'[\d.]+', use.get('transform'))]
    box = drawing.photo[1].axes.get_position()
    expected = [200 * box.x0, 100 * (1 - box.y1), 200 * box.width, 100 * box.height]
    np.testing.assert_allclose(place, expected, atol=0.01)


def test_png():
    with style(NAMES):
        image = Image.open(io.BytesIO(figure().png())).convert('RGB')
    assert image.size == (300, 150) and image.getpixel((3, 3)) == (255, 255, 255)
    assert image.getpixel((100, 60)) == (0, 0, 0)  # the photograph is in it
    pyplot = sys.modules.get('matplotlib.pyplot')  # upstream imports it
    assert pyplot is None or not pyplot.get_fignums()


def test_the_style_ends_with_its_context():
    before = dict(matplotlib.rcParams)
    with style(NAMES):
        assert matplotlib.rcParams['font.family'][0] == 'DejaVu Sans'
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize('text', ['traffic light', 'стол', 'Stühle & Bänke', 'τραπέζι'])
def test_fonts_have_the_characters(text):
    families, missing = fonts_for(text)
    assert families == ['DejaVu Sans'] and not missing and shortened(text, 20) == text


def test_escapes_where_no_font_has_them(monkeypatch):
    monkeypatch.setattr(module.fontManager, 'ttflist', [])
    fonts_for.cache_clear()
    assert shortened('椅子', 18) == '\\u6905\\u5b50'
    fonts_for.cache_clear()
    assert shortened('two\nlines', 18) == 'two lines' and shortened('abcdef', 4) == 'abc…'
