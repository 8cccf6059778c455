import mmcv
import numpy as np
import pytest

from mlgcn.registry import TRANSFORMS

IMAGE = np.random.RandomState(0).randint(0, 256, (48, 64, 3), np.uint8)


@pytest.mark.parametrize(
    'options',
    [
        {'scale': (20, 30), 'backend': 'pillow'},
        {'scale': 40, 'backend': 'pillow', 'interpolation': 'bicubic'},
        {'scale': (20, 30), 'backend': 'pillow', 'interpolation': 'nearest'},
        {'scale': (20, 30), 'backend': 'pillow', 'keep_ratio': True},
        {'scale': (20, 30)},
    ],
)
def test_everything_is_as_mmcv_has_it(options):
    ours = TRANSFORMS.build({'type': 'mlgcn.Resize', **options})
    results = ours({'img': IMAGE})
    expected = mmcv.transforms.Resize(**options)({'img': IMAGE})
    assert results.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(results[key], value)


def test_an_array_of_another_program():
    """`LoadedModel` takes arrays; a view in RGB order is not contiguous."""
    ours = TRANSFORMS.build({'type': 'mlgcn.Resize', 'scale': (20, 30), 'backend': 'pillow'})
    flipped = ours({'img': IMAGE[..., ::-1]})['img']
    np.testing.assert_array_equal(flipped, ours({'img': IMAGE})['img'][..., ::-1])
