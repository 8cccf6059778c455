"""Stage maps joined on one grid."""

import pytest
import torch

from mlgcn.models.necks import JoinedMaps
from mlgcn.models.necks.joined_maps import signed_root

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


def test_pooled_maps_come_first_as_normalised_signed_roots():
    neck = JoinedMaps((3, 5), pooled=True)
    pooled, joined = neck(MAPS)
    torch.testing.assert_close(joined, JoinedMaps((3, 5))(MAPS)[0])
    means = torch.cat([x.mean((2, 3)) for x in MAPS], dim=1)
    roots = means.sign() * means.abs().sqrt()
    expected = (roots - roots.mean(0)) / roots.std(0, unbiased=False)
    torch.testing.assert_close(pooled.flatten(1), expected, atol=0.05, rtol=0.05)


def test_the_root_has_a_slope_at_zero():
    x = torch.tensor([-4.0, 0.0, 4.0], requires_grad=True)
    root = signed_root(x)
    root.sum().backward()
    torch.testing.assert_close(root, torch.tensor([-2.0, 0.0, 2.0]), atol=1e-3, rtol=0)
    assert 0 < x.grad[1] < 50
