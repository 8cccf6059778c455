"""The rule in a file's metadata gives the test pipeline's pixels, or there is no rule."""

import numpy as np
import pytest
from PIL import Image

import mlgcn  # noqa: F401  registers the transforms
from mlgcn.engine.config import ConfigError
from mlgcn.export.images import resize_rule

LOAD, PACK = dict(type='LoadImageFromFile', imdecode_backend='pillow'), dict(type='PackInputs')
RESIZE = dict(type='Resize', scale=(40, 30), interpolation='bicubic', backend='pillow')


@pytest.fixture
def photo(tmp_path):
    """One that EXIF turns by a quarter."""
    pixels = np.random.RandomState(0).randint(0, 256, (50, 70, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / 'photo.png', exif=exif)
    return tmp_path / 'photo.png'


@pytest.mark.parametrize('types', ['LoadImageFromFile Resize', 'mlgcn.LoadImage mlgcn.Resize'])
@pytest.mark.parametrize('size', [None, (24, 36)])
def test_pillow_alone_gives_the_pipelines_pixels(photo, types, size):
    load, resize = types.split()
    load = dict(LOAD, type=load) if load == LOAD['type'] else dict(type=load)
    rule, pipeline = resize_rule([load, dict(RESIZE, type=resize), PACK], size)
    height, width = size or (30, 40)
    assert vars(rule) == dict(
        rule='stretch', height=height, width=width, interpolation='bicubic', backend='pillow'
    )
    packed = pipeline(dict(img_path=str(photo)))['inputs'].numpy()
    assert packed.shape == (3, height, width)
    np.testing.assert_array_equal(rule.read(photo), packed[::-1].transpose(1, 2, 0))


@pytest.mark.parametrize(
    'pipeline',
    [
        [LOAD, PACK],
        [LOAD, dict(type='ResizeEdge', scale=40), dict(type='CenterCrop', crop_size=30), PACK],
        [LOAD, dict(RESIZE, keep_ratio=True), PACK],
        [LOAD, dict(type='Resize', scale_factor=0.5), PACK],
        [RESIZE, LOAD, PACK],
        [LOAD, dict(RESIZE, interpolation='area', backend='cv2'), PACK],
    ],
)
def test_other_pipelines_are_refused(pipeline):
    with pytest.raises(ConfigError, match="expected a|no interpolation 'area'"):
        resize_rule(pipeline)
