"""Stage maps joined on one grid."""

import pytest
import torch

from mlgcn.models.necks import JoinedMaps

MAPS = (torch.randn(4, 3, 8, 12) * 5 + 2, torch.randn(4, 5, 4, 6))


@pytest.mark.parametrize('grid, shape', [(-1, (4, 6)), (0, (8, 12))])
def test_maps_share_one_grid(grid, shape):
    (joined,) = JoinedMaps((3, 5), grid)(MAPS)
    assert joined.shape == (4, 8, *shape)
    torch.testing.assert_close(joined[:, :3].mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)


def test_the_map_of_the_grid_is_only_normalised():
    (joined,) = JoinedMaps((3, 5)).eval()(MAPS)  # statistics 0 and 1
    torch.testing.assert_close(joined[:, 3:], MAPS[1] / (1 + 1e-5) ** 0.5)
    areas = MAPS[0].unflatten(3, (6, 2)).unflatten(2, (4, 2)).mean((3, 5))
    torch.testing.assert_close(joined[:, :3], areas / (1 + 1e-5) ** 0.5)


def test_width_and_wrong_number_of_maps():
    (joined,) = JoinedMaps((3, 5), width=16)(MAPS)
    assert joined.shape == (4, 16, 4, 6)
    with pytest.raises(ValueError, match='2 maps.*got 1.*out_indices'):
        JoinedMaps((3, 5))(MAPS[:1])
