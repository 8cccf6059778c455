"""Pictures with their labels."""

import numpy as np
import pytest
from PIL import Image

from mlgcn.visualization.label_card import LINE, LONGEST, SHORTEST, PictureFolder, label_card

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


def test_a_certain_label_has_its_whole_number():
    picture = np.asarray(label_card(Image.new('RGB', (420, 100)), [('cat', 1.0)]))
    assert (picture[100:, -4:] == 255).all() and (picture[100:] < 200).any()


def test_a_long_note_has_lines():
    photo = Image.new('RGB', (500, 100))
    one, more = (label_card(photo, LABELS, words).height for words in ('a note', 'a note ' * 20))
    assert (more - one) % LINE == 0 and 1 <= (more - one) // LINE <= 2


def test_bars_are_as_long_as_probabilities_and_marks_stand_at_thresholds():
    blue, orange = np.array([0x1F, 0x6F, 0xB2]), np.array([0xD5, 0x5E, 0x00])
    thresholds = {'cat': 0.5, 'dog': 0.15, 'hen': 0.3}
    picture = np.asarray(label_card(Image.new('RGBA', (500, 100)), LABELS, '', thresholds))
    is_bar, is_mark = ((picture == color).all(axis=2) for color in (blue, orange))
    starts = np.flatnonzero(is_bar.any(axis=1)[1:] & ~is_bar.any(axis=1)[:-1]) + 1
    assert len(starts) == 2
    for row, (name, probability) in zip(starts, LABELS):
        bar, mark = np.flatnonzero(is_bar[row + 2]), np.flatnonzero(is_mark[row + 2])
        full = (bar[-1] + 1 - bar[0]) / probability
        assert abs(mark.mean() - bar[0] - full * thresholds[name]) < 2
        assert 100 < full < 200


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


def test_an_earlier_picture_stays(tmp_path):
    image, earlier = ('photos/x.png', 'x.png'), tmp_path / 'x.jpg'
    folder = PictureFolder(tmp_path)
    folder.refuse_overwriting([image])
    folder.save(Image.new('RGB', (8, 8)), *image)
    folder.refuse_overwriting([image])  # its own, of the same image
    with pytest.raises(FileExistsError, match=str(earlier)):
        PictureFolder(tmp_path).refuse_overwriting([image])
    PictureFolder(tmp_path, force=True).refuse_overwriting([image])
