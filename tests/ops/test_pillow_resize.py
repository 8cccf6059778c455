import numpy as np
import pytest
from PIL import Image

from mlgcn.ops import pillow_resize as module
from mlgcn.ops.pillow_resize import FILTERS, resize


def noise(width, height, seed=0) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3), np.uint8)


def pillow(image, size, interpolation='bilinear') -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize(size, FILTERS[interpolation]))


@pytest.fixture(params=['c', 'pillow'])
def form(request, monkeypatch):
    """Both forms: pillow_resize.c, and what is done without it."""
    if request.param == 'pillow':
        monkeypatch.setattr(module, '_agrees_with_pillow', lambda: False)
    elif not module._agrees_with_pillow():
        pytest.skip('no C compiler')


@pytest.mark.parametrize('interpolation', FILTERS)
@pytest.mark.parametrize(
    'source', [(64, 48), (48, 64), (61, 200), (200, 61), (1, 1), (1, 90), (90, 1), (32, 32)]
)
def test_pillows_pixels(form, source, interpolation):
    """Larger, smaller, either order of the passes; black and white for bicubic's overshoot."""
    for seed, size in enumerate([(32, 32), (33, 70), (70, 33), (1, 1), (5, 128), source]):
        for image in (noise(*source, seed), (noise(*source, seed) > 127) * np.uint8(255)):
            result = resize(image, size, interpolation)
            np.testing.assert_array_equal(result, pillow(image, size, interpolation))


def test_the_sizes_of_the_recipes(form):
    for width, height in [(640, 480), (480, 640), (500, 375), (333, 500)]:
        image = noise(width, height)
        for side, interpolation in [(448, 'bilinear'), (512, 'bilinear'), (576, 'bicubic')]:
            expected = pillow(image, (side, side), interpolation)
            np.testing.assert_array_equal(resize(image, (side, side), interpolation), expected)


@pytest.mark.parametrize('interpolation', FILTERS)
@pytest.mark.parametrize('source', [(90, 60), (60, 90)])
def test_a_part_is_a_part_of_the_whole(form, source, interpolation):
    image = noise(*source)
    whole = pillow(image, (64, 70), interpolation)
    for left, top, right, bottom in [
        (0, 0, 64, 70),
        (10, 5, 11, 6),
        (63, 69, 64, 70),
        (7, 0, 50, 70),
    ]:
        result = resize(image, (64, 70), interpolation, (left, top, right, bottom))
        np.testing.assert_array_equal(result, whole[top:bottom, left:right])


def test_any_strides(form):
    image = noise(80, 60)
    for view in (image[10:50, 5:70], image[..., ::-1], image[::-1], image[::2, ::3]):
        np.testing.assert_array_equal(resize(view, (32, 32)), pillow(view, (32, 32)))


def test_the_result_can_be_changed(form):
    result = resize(noise(20, 20), (8, 8))
    result[:] = 0
    assert result.flags.c_contiguous


def test_grey(form):
    image = noise(20, 30)[..., 0]
    np.testing.assert_array_equal(resize(image, (9, 8)), pillow(image, (9, 8)))


@pytest.mark.parametrize(
    'size, part',
    [
        ((0, 5), None),
        ((5, -1), None),
        ((5, 5), (0, 0, 6, 5)),
        ((5, 5), (-1, 0, 5, 5)),
        ((5, 5), (3, 0, 3, 5)),
    ],
)
def test_impossible_sizes(form, size, part):
    with pytest.raises(ValueError, match='expected a positive size'):
        resize(noise(8, 8), size, part=part)


def test_it_runs_in_c_where_there_is_a_compiler():
    """Pillow of another version may round in another way, but it has not so far."""
    if module._library() is None:
        pytest.skip('no C compiler')
    assert module._agrees_with_pillow()
