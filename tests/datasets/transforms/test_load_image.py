"""The transform around `read_image`, whose tests have the kinds of images."""

import numpy as np
import pytest
from PIL import Image

from mlgcn.datasets.transforms import LoadImage


def test_the_transform(tmp_path, photo):
    picture = Image.open(photo(tmp_path / 'a.png'))
    results = LoadImage().transform({'img_path': str(tmp_path / 'a.png')})
    np.testing.assert_array_equal(results['img'][..., ::-1], np.asarray(picture))
    assert results['img_shape'] == results['ori_shape'] == (32, 48)


@pytest.mark.parametrize(
    'wrong', [{'max_pixels': 0}, {'max_pixels': 10**9}, {'value_range': (9, 9)}]
)
def test_options_out_of_range_are_named(wrong):
    (option,) = wrong
    with pytest.raises(ValueError, match=f'{option}='):
        LoadImage(**wrong)
