from collections import Counter

import numpy as np
import pytest
from mmpretrain.datasets.transforms import RandomResizedCrop
from PIL import Image

from mlgcn.datasets.transforms import CropMix, crop_mix
from mlgcn.registry import TRANSFORMS


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
    resize = crop_mix.resize
    monkeypatch.setattr(
        crop_mix,
        'resize',
        lambda crop, *args: areas.append(crop[..., 0].size) or resize(crop, *args),
    )
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
