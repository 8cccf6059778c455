"""Pictures with their labels."""

import numpy as np
import pytest
from PIL import Image

from mlgcn.visualization.label_card import LONGEST, SHORTEST, PictureFolder, label_card

LABELS = [('cat', 0.9), ('dog', 0.2)]


@pytest.mark.parametrize('size', [(1, 1), (40, 30), (800, 600), (5000, 20), (20, 5000)])
def test_the_panel_is_legible_at_any_size(size):
    picture = label_card(Image.new('RGB', size, '#ff0000'), LABELS)
    assert SHORTEST <= picture.width <= LONGEST
    pixels = np.asarray(picture).astype(int)
    red = (pixels[..., 0] > 200) & (pixels[..., 1:].max(axis=2) < 50)
    photo = red.sum(axis=1) > 0
    assert photo[0]
    panel = pixels[~photo]
    assert len(panel) >= 2 * 28
    assert (panel.max(axis=2) < 100).sum() > 40  # dark text


def test_bars_are_as_long_as_probabilities_say():
    blue = np.array([0x1F, 0x6F, 0xB2])
    picture = np.asarray(label_card(Image.new('RGB', (500, 100)), LABELS))
    lengths = (picture == blue).all(axis=2).sum(axis=1)
    lengths = [n for n, before in zip(lengths[1:], lengths) if n and not before]
    assert len(lengths) == 2 and abs(lengths[1] / lengths[0] - 2 / 9) < 0.03


def test_turned_and_transparent_photographs():
    photo = Image.new('RGBA', (500, 100))
    assert label_card(photo, LABELS).mode == 'RGB'
    turned = Image.new('RGB', (900, 450))
    turned.getexif()[0x0112] = 6
    assert label_card(turned, []).width == 450
    grey = Image.new('I;16', (500, 100))
    assert label_card(grey, []).mode == 'RGB'


def test_names_do_not_collide(tmp_path):
    folder = PictureFolder(tmp_path / 'new' / 'drawn')
    names = {
        ('a/x.jpg', 'x.jpg'): 'x.jpg',
        ('b/x.jpg', 'x.jpg'): 'x (2).jpg',
        ('c/X.png', 'X.png'): 'X (3).jpg',  # one file on some systems
        ('d/c/x.jpg', 'c/x.jpg'): 'c/x.jpg',
    }
    for _ in range(2):  # the same file again is the same picture
        for (image, name), expected in names.items():
            assert folder.path(image, name) == tmp_path / 'new' / 'drawn' / expected
    folder.save(Image.new('RGB', (8, 8)), 'd/c/x.jpg', 'c/x.jpg')
    assert Image.open(tmp_path / 'new' / 'drawn' / 'c' / 'x.jpg').size == (8, 8)
