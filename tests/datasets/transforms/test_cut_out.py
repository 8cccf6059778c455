"""CutOut: one rectangle of one colour, half the side, cut at the borders."""

import numpy as np
import pytest

from mlgcn.datasets.transforms import CutOut


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
