import mmcv
import numpy as np
import pytest
from PIL import Image

from mlgcn.datasets.transforms.resize import resize
from mlgcn.registry import TRANSFORMS

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
