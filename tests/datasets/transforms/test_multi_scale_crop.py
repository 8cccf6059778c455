import json
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlgcn.datasets.transforms import MultiScaleCrop, multi_scale_crop
from mlgcn.datasets.transforms.resize import resize
from mlgcn.registry import TRANSFORMS

FACTS = json.loads((Path(__file__).parents[2] / 'data/data.json').read_text())
CASES = FACTS['multi_scale_crop_support']['cases']


def crop_of(case) -> MultiScaleCrop:
    return MultiScaleCrop(case['input_size'], tuple(case['scales']), case['max_distort'])


@pytest.fixture
def choose(monkeypatch):
    """A function that makes the next draws come out as given; checks the range they come from."""

    def set_(*draws):
        left = list(draws)

        def draw(high):
            value = left.pop(0)
            assert 0 <= value < high
            return value

        monkeypatch.setattr(np.random, 'randint', draw)

    return set_


@pytest.mark.parametrize('case', CASES, ids=lambda case: str(case['input_size']))
def test_every_published_size_and_offset(case, choose):
    """Size pairs (with duplicates) and 13 offsets for each, as published, and no others."""
    crop = crop_of(case)
    sizes = crop.crop_sizes(*case['image_wh'])
    assert sorted(map(list, sizes)) == case['crop_wh']
    assert len(sizes) * len(multi_scale_crop.POSITIONS) == case['combos']
    for i, (w, h) in enumerate(sizes):
        boxes = []
        for j in range(13):
            choose(i, j)
            boxes.append(crop.draw_box(*case['image_wh']))
        assert {box[2:] for box in boxes} == {(w, h)}
        assert [list(box[:2]) for box in boxes] == case['offsets'][f'{w}x{h}']


def test_the_recipe_has_19_pairs():
    assert len(MultiScaleCrop(448).crop_sizes(512, 512)) == 19
    assert len(multi_scale_crop.POSITIONS) == 13


def test_a_side_becomes_the_size_strictly_within_3_pixels():
    crop = MultiScaleCrop(100, scales=(1, 0.5), max_distort=0)
    assert crop.crop_sizes(102, 300) == [(100, 100), (51, 51)]
    assert crop.crop_sizes(98, 300) == [(100, 100), (49, 49)]
    assert crop.crop_sizes(103, 300) == [(103, 103), (51, 51)]


def test_uniform_over_pairs_and_positions():
    np.random.seed(0)
    crop = MultiScaleCrop(448)
    sizes, positions = crop.crop_sizes(512, 512), 13
    drawn = [crop.draw_box(512, 512) for _ in range(19_000)]
    counts = np.array([sum(box[2:] == size for box in drawn) for size in sizes])
    assert abs(counts - 1000).max() < 5 * np.sqrt(1000)
    small = [box[:2] for box in drawn if box[2:] == (256, 256)]
    assert len(set(small)) == positions


def test_pixels_are_nearly_pillows(choose):
    """The box of the image, resized by Pillow; channels are left in their order."""
    image = np.random.RandomState(0).randint(0, 256, (200, 300, 3), dtype=np.uint8)
    crop = crop_of(CASES[2])
    choose(3, 10)  # 132 x 132 at the quarter point (3, 1): x = 3 * 42, y = 17
    result = crop.transform({'img': image[..., ::-1], 'img_shape': (200, 300)})
    w, h = crop.crop_sizes(300, 200)[3]
    x, y = 3 * ((300 - w) // 4), (200 - h) // 4
    box = (x, y, x + w, y + h)
    pillow = Image.fromarray(image).crop(box).resize((128, 128), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(result['img'][..., ::-1], np.asarray(pillow), atol=1)
    assert result['img_shape'] == (128, 128)


@pytest.mark.parametrize('shape', [(48, 64), (64, 48), (37, 90), (200, 21)])
def test_squash_is_a_resize_before(shape):
    """The same draws and pixels as a resize and then the crop."""
    image = np.random.RandomState(0).randint(0, 256, (*shape, 3), dtype=np.uint8)
    squashed = resize(image, (72, 72))
    for seed in range(12):
        results = []
        for crop, img in ((MultiScaleCrop(64, squash=72), image), (MultiScaleCrop(64), squashed)):
            np.random.seed(seed)
            results.append(crop({'img': img})['img'])
        np.testing.assert_array_equal(*results)


@pytest.mark.parametrize('shape', [(446, 446), (446, 600), (40, 30)])
def test_small_images_work(shape):
    crop = MultiScaleCrop(448, scales=(1, 0.875, 0.75))
    image = np.full((*shape, 3), 7, np.uint8)
    for seed in range(20):
        np.random.seed(seed)
        result = crop.transform({'img': image})['img']
        assert result.shape == (448, 448, 3)
        assert (result == 7).all()


def test_numpy_alone_decides():
    """mmengine seeds numpy in each worker: with it reset, the same crop comes again."""
    image = np.random.RandomState(0).randint(0, 256, (80, 80, 3), dtype=np.uint8)
    crop = TRANSFORMS.build({'type': 'mlgcn.MultiScaleCrop', 'size': 64})
    results = []
    for other in (1, 2):
        random.seed(other)
        np.random.seed(5)
        results.append([crop({'img': image})['img'] for _ in range(4)])
    np.testing.assert_array_equal(*results)
    assert any((results[0][0] != other).any() for other in results[0][1:])
