"""CutOut covers one rectangle; TrivialAugment has the published operations and strengths."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode, autoaugment

from mlgcn.datasets.transforms import CutOut, TrivialAugment
from mlgcn.registry import TRANSFORMS

PUBLISHED = json.loads((Path(__file__).parents[2] / 'data/data.json').read_text())['trivial']
SPACE = TrivialAugment().augment._augmentation_space(31)


@pytest.mark.parametrize(
    ('centre', 'expected'), [((10, 20), (10, 20)), ((0, 0), (5, 10)), ((19, 39), (6, 11))]
)
def test_covers_half_the_sides_around_its_centre(monkeypatch, centre, expected):
    image = np.full((20, 40, 3), 7, np.uint8)
    drawn = iter([*centre, np.uint8([1, 2, 3])])
    monkeypatch.setattr(np.random, 'randint', lambda *_, **__: next(drawn))
    found = CutOut(0.5).transform(dict(img=image))['img']
    covered = (found == [1, 2, 3]).all(axis=2)
    assert (image == 7).all() and (found[~covered] == 7).all()
    assert (np.ptp(np.flatnonzero(covered.any(axis=1))) + 1) == expected[0]
    assert (np.ptp(np.flatnonzero(covered.any(axis=0))) + 1) == expected[1]


def test_a_share_outside_its_range_is_named():
    with pytest.raises(ValueError, match='share=1.5'):
        CutOut(1.5)


def apply(name, level, pixels, sign=1):
    """The operation at a level; +1 moves to the left or up, as published (torchvision: -1)."""
    magnitudes, signed = SPACE[name]
    magnitude = float(magnitudes[level]) if magnitudes.ndim else 0.0
    if signed:
        magnitude *= -sign if name.startswith('Translate') else sign
    image = Image.fromarray(pixels)
    nearest = InterpolationMode.NEAREST
    return np.asarray(autoaugment._apply_op(image, name, magnitude, nearest, None))


def noise(height=40, width=40):
    return np.random.RandomState(0).randint(0, 256, (height, width, 3), dtype=np.uint8)


def plain(*colour):
    return np.full((9, 9, 3), colour, np.uint8)


def test_the_published_operations_and_levels():
    assert [name.lower() for name in SPACE] == [name.lower() for name in PUBLISHED['ops']]
    assert PUBLISHED['parameter_max'] == len(SPACE['Rotate'][0]) - 1


def test_level_0_and_the_identity_change_nothing():
    pixels = noise()
    for name in ('Rotate', 'Solarize', 'Posterize', 'ShearX', 'ShearY', 'TranslateX', 'TranslateY'):
        np.testing.assert_array_equal(apply(name, 0, pixels), pixels)
    np.testing.assert_array_equal(apply('Identity', 17, pixels), pixels)


@pytest.mark.parametrize('sign', [1, -1])
@pytest.mark.parametrize(('level', 'shift'), [(2, 0), (3, 1), (14, 4), (30, 10)])
def test_translation_in_whole_pixels(level, shift, sign):
    assert PUBLISHED['ranges']['translate'] == [0, shift] or level < 30
    pixels = noise()
    moved = np.zeros_like(pixels)  # black from outside
    moved[:, : 40 - shift] = pixels[:, shift:]
    if sign < 0:
        moved = np.zeros_like(pixels)
        moved[:, shift:] = pixels[:, : 40 - shift]
    np.testing.assert_array_equal(apply('TranslateX', level, pixels, sign), moved)
    turned = apply('TranslateY', level, pixels.transpose(1, 0, 2).copy(), sign)
    np.testing.assert_array_equal(turned.transpose(1, 0, 2), moved)


def test_shear_by_0_3():
    assert PUBLISHED['ranges']['shear'] == [0.0, 0.3]
    pixels = noise(11, 11)
    sheared = apply('ShearX', 30, pixels)
    for row in range(11):  # pixel centres: x + 0.3 (y + 0.5), to the nearest
        shift = int(0.5 + 0.3 * (row + 0.5))
        np.testing.assert_array_equal(sheared[row, : 11 - shift], pixels[row, shift:])
        assert not sheared[row, 11 - shift :].any()
    turned = apply('ShearY', 30, pixels.transpose(1, 0, 2).copy())
    np.testing.assert_array_equal(turned.transpose(1, 0, 2), sheared)


def test_rotation_by_30_degrees_either_way():
    assert PUBLISHED['ranges']['rotate'] == [0, 30]
    pixels = noise(41, 41)
    for sign in (1, -1):
        expected = Image.fromarray(pixels).rotate(sign * 30)
        np.testing.assert_array_equal(apply('Rotate', 30, pixels, sign), np.asarray(expected))


@pytest.mark.parametrize(('level', 'bits'), [(7, 8), (8, 7), (15, 6), (29, 5), (30, 4)])
def test_posterize_8_to_4_bits(level, bits):
    assert PUBLISHED['ranges']['posterize'] == [4, 8]
    pixels = noise()
    mask = 256 - 2 ** (8 - bits)
    np.testing.assert_array_equal(apply('Posterize', level, pixels), pixels & mask)


@pytest.mark.parametrize(('level', 'threshold'), [(15, 128), (20, 86), (30, 0)])
def test_solarize_inverts_from_the_threshold_on(level, threshold):
    assert PUBLISHED['ranges']['solarize'] == [0, 256]
    pixels = noise()
    expected = np.where(pixels < threshold, pixels, 255 - pixels)
    np.testing.assert_array_equal(apply('Solarize', level, pixels), expected)


def test_enhancers_from_0_1_to_1_9():
    assert PUBLISHED['ranges']['enhancer'] == [0.1, 1.9]
    for level, factor in ((0, 0.1), (15, 1.0), (30, 1.9)):
        bright = apply('Brightness', level, plain(100, 50, 10))[0, 0]
        np.testing.assert_allclose(bright, np.multiply((100, 50, 10), factor), atol=1)
        # grey of (100, 50, 10), the first channel taken for red, is 60
        colour = apply('Color', level, plain(100, 50, 10))[0, 0]
        expected = np.clip(60 + factor * np.array([40, -10, -50]), 0, 255)
        np.testing.assert_allclose(colour, expected, atol=1)
        half = plain(40, 40, 40)
        half[:, :3] = 100  # mean grey 60
        contrast = apply('Contrast', level, half)
        np.testing.assert_allclose(
            contrast[0, [0, 8], 0], (60 + 40 * factor, 60 - 20 * factor), atol=1
        )
        np.testing.assert_array_equal(apply('Sharpness', level, half)[4, 4], half[4, 4])
    pixels = noise()
    for name in ('Color', 'Contrast', 'Brightness', 'Sharpness'):
        np.testing.assert_array_equal(apply(name, 15, pixels), pixels)


def test_equalize_and_autocontrast_reach_from_0_to_255():
    pixels = (noise() // 4 + 50).astype(np.uint8)
    for name in ('AutoContrast', 'Equalize'):
        changed = apply(name, 3, pixels)
        assert changed.min() == 0 and changed.max() >= 254


def test_the_same_pixels_as_pillows_own_operations():
    """All levels and both signs of the operations that torchvision computes in its own way."""
    image = Image.fromarray(noise(37, 61))
    affine = Image.Transform.AFFINE
    for level in range(31):
        for sign in (1, -1):
            shear, shift = sign * 0.3 * level / 30, sign * (level // 3)
            for name, matrix in {
                'ShearX': (1, shear, 0, 0, 1, 0),
                'ShearY': (1, 0, 0, shear, 1, 0),
                'TranslateX': (1, 0, shift, 0, 1, 0),
                'TranslateY': (1, 0, 0, 0, 1, shift),
            }.items():
                expected = np.asarray(image.transform(image.size, affine, matrix))
                np.testing.assert_array_equal(apply(name, level, noise(37, 61), sign), expected)


def test_operations_levels_and_signs_are_drawn_uniformly(monkeypatch):
    seen = []
    monkeypatch.setattr(
        autoaugment, '_apply_op', lambda image, *args, **_: seen.append(args) or image
    )
    augment = TRANSFORMS.build({'type': 'mlgcn.TrivialAugment'})
    torch.manual_seed(0)
    for _ in range(4200):
        assert augment.transform({'img': plain(1, 2, 3)})['img'].dtype == np.uint8
    names, magnitudes = zip(*seen)
    assert all(230 < names.count(name) < 370 for name in SPACE)
    turns = [magnitude for name, magnitude in seen if name == 'Rotate']
    assert {abs(turn) for turn in turns} == set(map(float, range(31)))
    assert 0.4 < np.mean([turn < 0 for turn in turns]) < 0.6
