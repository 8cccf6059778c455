"""Maps and patches lie where the model's grids put them."""

import numpy as np
import pytest
import torch
from PIL import Image

from mlgcn.visualization.attributions import ChosenPatches
from mlgcn.visualization.drawing import picture, style
from mlgcn.visualization.photo_figures import (
    GROUPS,
    Photo,
    map_figure,
    patches_figure,
)

GREY = np.full((96, 96, 3), 200, np.uint8)


def pixels(figure):
    """The photograph in the picture, resized to 400 x 400."""
    image = picture(figure)
    box = figure.axes[0].get_position()
    edges = (box.x0, 1 - box.y1, box.x1, 1 - box.y0)
    edges = [edge * side for edge, side in zip(edges, image.size * 2)]
    shown = image.resize((400, 400), Image.Resampling.BILINEAR, edges)
    return np.asarray(shown).astype(int)


def near(picture, color, tolerance=60):
    rgb = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return np.abs(picture - rgb).max(axis=-1) < tolerance


def test_patches_lie_where_the_strides_put_them():
    photo = Photo(GREY)
    assert photo.patch(1, 2, (24, 24)).get_bbox().extents.tolist() == [8, 4, 12, 8]
    assert photo.patch(4, 8, (24, 24), span=4).get_bbox().extents.tolist() == [32, 16, 48, 32]
    assert photo.patch_at((95, 50), (24, 24)) == (12, 23)
    odd = Photo(np.zeros((100, 60, 3), np.uint8))  # strided convolutions round up
    for grid, stride in (((25, 15), 4), ((13, 8), 8), ((7, 4), 16), ((4, 2), 32)):
        assert odd.strides(grid) == (stride, stride)
    assert odd.patch(3, 1, (4, 2)).get_bbox().extents.tolist() == [32, 96, 60, 100]
    assert odd.patch_at((59, 99), (4, 2)) == (3, 1)


@pytest.mark.parametrize('signed', [False, True])
def test_a_map_is_drawn_square_by_square(signed):
    values = np.linspace(-1, 1, 9).reshape(3, 3)
    with style(['cat']):
        shown = pixels(map_figure(Photo(GREY), values, 'cat', 'subtitle', signed))
    middles = shown[[66, 200, 333]][:, [66, 200, 333]]
    assert len(np.unique(middles.reshape(9, 3), axis=0)) == 9
    if signed:  # purple below 0, orange above, nothing on 0
        assert np.ptp(middles[1, 1]) <= 2
        assert middles[0, 0, 2] > middles[0, 0, 1] and middles[2, 2, 0] > middles[2, 2, 2]


def test_the_chosen_patches_are_marked():
    index = torch.tensor([[[0, 35]], [[6 * 2 + 3, 5]]])  # (2 groups, 1 label, 2 patches) of 6 x 6
    chosen = ChosenPatches(index, (6, 6), share=torch.full((2, 1, 2), 0.5))
    with style(['cat']):
        shown = pixels(patches_figure(Photo(GREY), chosen, 0, 'cat'))
    side = 400 / 6
    for group, places in enumerate(((0, 35), (15, 5))):
        for patch in places:
            row, column = divmod(patch, 6)
            edge = round((row + 0.5) * side), round(column * side + 2.5 * group)
            around = shown[edge[0] - 3 : edge[0] + 4, max(edge[1] - 3, 0) : edge[1] + 4]
            assert near(around, GROUPS[group]).any(), (group, patch)


def test_the_neighbours_and_the_patch_are_marked():
    keys = torch.full((1, 36, 1), 8)  # the last of 3 x 3 keys
    neighbours = ChosenPatches(keys, (6, 6), 2)
    with style(['cat']):
        shown = pixels(patches_figure(Photo(GREY), neighbours, (0, 0), 'cat'))
    assert near(shown[330, 262:272], GROUPS[0]).any()  # the key's left edge at 2 / 3
    assert (shown[33, 62:72].max(axis=1) < 120).any()  # the patch's own, white on black
