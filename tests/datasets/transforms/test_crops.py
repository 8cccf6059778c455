"""Training's resize against Pillow; ADD-GCN's crop against its published sizes; CropMix."""

import json
import random
from collections import Counter
from pathlib import Path

import mmcv
import numpy as np
import pytest
from mmpretrain.datasets.transforms import RandomResizedCrop
from PIL import Image

from mlgcn.datasets.transforms import CropMix, MultiScaleCrop, crops
from mlgcn.datasets.transforms.crops import resize
from mlgcn.registry import TRANSFORMS

FACTS = json.loads((Path(__file__).parents[2] / 'data/data.json').read_text())
CASES = FACTS['multi_scale_crop_support']['cases']
IMAGE = np.random.RandomState(0).randint(0, 256, (48, 64, 3), np.uint8)


@pytest.mark.parametrize('size', [(20, 30), (64, 48), (90, 70), (40, 50)])
@pytest.mark.parametrize('interpolation', ['bilinear', 'bicubic'])
def test_nearly_pillows_pixels(size, interpolation):
    ours = resize(IMAGE, size, interpolation)
    assert (ours.dtype, ours.flags.c_contiguous) == (np.uint8, True)
    pillow = Image.fromarray(IMAGE).resize(size, Image.Resampling[interpolation.upper()])
    np.testing.assert_allclose(ours, np.asarray(pillow), atol=2)


def test_views_of_an_image():
    np.testing.assert_array_equal(
        resize(IMAGE[::-1, 3:, ::-1], (20, 30)), resize(IMAGE[::-1, 3:, ::-1].copy(), (20, 30))
    )


def test_the_test_pipelines_resize_is_mmcvs():
    for name in ('Resize', 'mlgcn.Resize'):
        assert TRANSFORMS.get(name) is mmcv.transforms.Resize


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
    assert len(sizes) * len(crops.POSITIONS) == case['combos']
    for i, (w, h) in enumerate(sizes):
        boxes = []
        for j in range(13):
            choose(i, j)
            boxes.append(crop.draw_box(*case['image_wh']))
        assert {box[2:] for box in boxes} == {(w, h)}
        assert [list(box[:2]) for box in boxes] == case['offsets'][f'{w}x{h}']


def test_the_recipe_has_19_pairs():
    assert len(MultiScaleCrop(448).crop_sizes(512, 512)) == 19
    assert len(crops.POSITIONS) == 13


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


def noise(height=60, width=80):
    return np.random.RandomState(0).randint(0, 256, (height, width, 3), dtype=np.uint8)


def plain(*colour):
    return np.full((4, 4, 3), colour, np.uint8)


@pytest.fixture
def draw(monkeypatch):
    """A function that makes np.random's draws come out as given."""

    def set_(**values):
        for name, value in values.items():
            monkeypatch.setattr(np.random, name, lambda *args, value=value: value)

    return set_


def test_area_ranges():
    """[0.01, 1] in n - 1 equal parts, and one nearly whole crop."""
    mixer = CropMix(size=32)
    whole = (0.99, 1.0)
    assert mixer.area_ranges(2) == [(0.01, 1.0), whole]
    assert mixer.area_ranges(3) == [(0.01, 0.505), (0.505, 1.0), whole]
    np.testing.assert_allclose(
        mixer.area_ranges(4), [(0.01, 0.34), (0.34, 0.67), (0.67, 1.0), whole], rtol=1e-12
    )


def test_crops_keep_to_their_range(monkeypatch):
    """The area of every crop lies in its range."""
    areas = []
    seen = lambda crop, *args: areas.append(crop[..., 0].size) or resize(crop, *args)  # noqa: E731
    monkeypatch.setattr(crops, 'resize', seen)
    image = noise(200, 200)
    for low, high in ((0.01, 0.34), (0.34, 0.67)):
        areas.clear()
        for _ in range(50):
            assert CropMix(size=16).crop(image, (low, high)).shape == (16, 16, 3)
        parts = [area / 200**2 for area in areas]
        assert low - 0.01 < min(parts) < max(parts) < high + 0.01
        assert max(parts) - min(parts) > 0.5 * (high - low)


def test_a_crop_is_mmpretrains():
    """The same draws as `RandomResizedCrop`, and nearly the pixels of Pillow's bicubic."""
    image, area = noise(90, 130), (0.2, 0.8)
    theirs = RandomResizedCrop(32, crop_ratio_range=area, interpolation='bicubic', backend='pillow')
    for seed in range(5):
        np.random.seed(seed)
        ours = CropMix(size=32).crop(image, area)
        np.random.seed(seed)
        np.testing.assert_allclose(ours, theirs({'img': image})['img'], atol=2)


@pytest.mark.parametrize(
    ('lam', 'expected'),
    [
        # (10, 20, 30) weighs more; (100, 200, 40) is shuffled to (200, 40, 100)
        (0.75, (0.75 * 10 + 0.25 * 200, 0.75 * 20 + 0.25 * 40, 0.75 * 30 + 0.25 * 100)),
        # (100, 200, 40) weighs more; (10, 20, 30) is shuffled to (20, 30, 10)
        (0.25, (0.25 * 20 + 0.75 * 100, 0.25 * 30 + 0.75 * 200, 0.25 * 10 + 0.75 * 40)),
    ],
)
def test_the_lesser_view_gets_its_channels_shuffled(draw, lam, expected):
    draw(beta=lam, permutation=np.array([1, 2, 0]))
    mixed = CropMix(size=4).mix([plain(10, 20, 30), plain(100, 200, 40)])
    assert mixed.dtype == np.uint8
    assert mixed[2, 3].tolist() == [int(value) for value in expected]  # cut, not rounded


def test_views_are_mixed_one_after_another(draw):
    draw(beta=0.25, permutation=np.arange(3))
    mixed = CropMix(size=4).mix([plain(0, 0, 0), plain(80, 80, 80), plain(200, 200, 200)])
    assert mixed[0, 0].tolist() == [165, 165, 165]  # 0.25 * (0.75 * 80) + 0.75 * 200


def test_beta_parameter_is_divided_by_the_number_of_views(monkeypatch):
    seen = []
    monkeypatch.setattr(np.random, 'beta', lambda a, b: seen.append((a, b)) or 0.5)
    CropMix(size=4).mix([plain(1, 2, 3)] * 4)
    assert seen == [(0.1, 0.1)] * 3


def test_mixing_equal_grey_views_changes_nothing():
    grey = noise()[..., :1].repeat(3, axis=2)
    for _ in range(20):
        np.testing.assert_array_equal(CropMix(size=4).mix([grey, grey, grey]), grey)


def test_number_is_drawn_for_every_image(monkeypatch):
    crop_mix, seen = CropMix(size=8, prob=1.0), []
    monkeypatch.setattr(crop_mix, 'mix', lambda crops: seen.append(len(crops)) or crops[0])
    np.random.seed(0)
    for _ in range(300):
        crop_mix.transform({'img': noise()})
    counts = Counter(seen)
    assert set(counts) == {2, 3, 4} and min(counts.values()) > 70


def test_otherwise_a_bicubic_squash():
    image = noise()
    out = CropMix(size=32, prob=0.0).transform({'img': image})
    expected = Image.fromarray(image).resize((32, 32), Image.Resampling.BICUBIC)
    assert out['img'].dtype == np.uint8
    np.testing.assert_allclose(out['img'], np.asarray(expected), atol=2)
    assert out['img_shape'] == (32, 32)


def test_probability_and_seed():
    crop_mix = TRANSFORMS.build({'type': 'mlgcn.CropMix', 'size': 16})
    squashed = CropMix(size=16, prob=0.0).transform({'img': noise()})['img']

    def run():
        np.random.seed(1)
        return [crop_mix.transform({'img': noise()})['img'] for _ in range(200)]

    first = run()
    assert 70 < sum(np.array_equal(image, squashed) for image in first) < 130
    np.testing.assert_array_equal(first, run())


def test_one_view_is_refused():
    with pytest.raises(ValueError, match=r'numbers=\(1, 2\).*at least 2'):
        CropMix(size=16, numbers=(1, 2))
