"""Figures on the photograph: maps, patches that labels chose, neighbours of a patch."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy import ndarray
from PIL import Image

from .attributions import ChosenPatches, PatchNeighbours
from .drawing import SOFT, Drawing

# One colour per group of channels: Okabe and Ito's palette, told apart by colour-blind readers.
GROUPS = ('#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00')
INKS = ListedColormap(('#5e3c99', '#fd8d14'))  # against and for a label
LONG_SIDE, MARGIN, HEAD = 400, 12, 62  # points: the photograph's longer side, the room around it
Box = tuple[float, float, float, float]


class Photo:
    """The picture that the model saw, uint8 (H, W, 3), and where its patches lie in pixels."""

    def __init__(self, pixels: ndarray, name: str):
        self.image, self.name = Image.fromarray(pixels), name
        self.grey = self.image.convert('L')
        self.point = max(self.image.size) / LONG_SIDE  # in pixels of the picture

    def strides(self, grid: tuple[int, int]) -> tuple[float, float]:
        """Pixels from patch to patch of a grid (rows, columns), down and across.

        Strided convolutions halve and round up: a power of two where one gives this grid.
        """
        sides = (self.image.height, self.image.width)
        powers = [2 ** math.ceil(math.log2(side / n)) for side, n in zip(sides, grid)]
        return tuple(
            power if math.ceil(side / power) == n else side / n
            for side, n, power in zip(sides, grid, powers)
        )

    def patch_box(self, row: int, column: int, grid: tuple[int, int], span: int = 1) -> Box:
        """(left, top, right, bottom) of span x span patches, the first at (row, column)."""
        down, across = self.strides(grid)
        right = min((column + span) * across, self.image.width)
        return column * across, row * down, right, min((row + span) * down, self.image.height)

    def patch_at(self, pixel: tuple[int, int], grid: tuple[int, int]) -> tuple[int, int]:
        """(row, column) of the patch in which pixel (x, y) lies."""
        down, across = self.strides(grid)
        row, column = int(pixel[1] // down), int(pixel[0] // across)
        return min(row, grid[0] - 1), min(column, grid[1] - 1)


def map_figure(photo: Photo, values: ndarray, title: str, subtitle: str, signed: bool) -> Drawing:
    """A map (rows, columns) over the grey photograph, one square per position, and its scale.

    Unsigned maps are coloured over their own range. Signed ones are orange above 0 and purple
    below, the more opaque the larger.
    """
    low, high = float(values.min()), float(values.max())
    if signed:
        high = max(-low, high)
        low = -high
    drawing, axes = _on_photo(photo, title, subtitle, 44, grey=True)
    bar = drawing.axes(MARGIN, drawing.height - 30, 160, 16)
    bar.set_facecolor('#808080')
    drawing.text(MARGIN + 170, drawing.height - 22, f'{low:.4g} to {high:.4g}', 14)
    (rows, columns), (down, across) = values.shape, photo.strides(values.shape)
    ramp = np.linspace(low, high, 64)[None]
    for place, shown, right, bottom in (
        (axes, values, across * columns, down * rows), (bar, ramp, 1, 1)
    ):  # fmt: skip
        colors = colormaps['viridis'](Normalize(low, high)(shown))
        colors[..., 3] = 0.62
        if signed:
            colors = INKS((shown > 0).astype(int))
            colors[..., 3] = 0.9 * np.abs(shown) / (high or 1)
        extent = (0, right, bottom, 0)
        place.imshow(colors, extent=extent, aspect='auto', interpolation='none')
    return drawing


def patches_figure(photo: Photo, chosen: ChosenPatches, label: int, title: str) -> Drawing:
    """Lines from a label, one dot per group of channels, to the patches that it chose."""
    (rows, columns), (down, across) = chosen.grid, photo.strides(chosen.grid)
    subtitle = f'{columns} x {rows} patches of {across:.4g} x {down:.4g} pixels'
    drawing, axes = _on_photo(photo, title, subtitle, 62)
    groups, share = len(chosen.index), chosen.share[:, label]
    for g, patches in enumerate(chosen.index[:, label].tolist()):
        start = (photo.image.width * (g + 1) / (groups + 1), -4 * photo.point)
        for patch, part in zip(patches, share[g].tolist()):
            box = photo.patch_box(*divmod(patch, columns), chosen.grid)
            _mark(axes, box, photo.point, g, start, 1 + 5 * part)
        _dot(axes, start, g)
    _legend(drawing, 44)
    note = f'Line width: share of the channels, up to {share.max():.0%}'
    drawing.text(MARGIN, drawing.height - 16, note, 13, SOFT)
    return drawing


def neighbours_figure(
    photo: Photo, neighbours: PatchNeighbours, patch: tuple[int, int], title: str
) -> Drawing:
    """Lines from a patch (row, column) to the keys that it chose, by group of channels."""
    r, (rows, columns) = neighbours.reduction, neighbours.grid
    subtitle = f'{columns} x {rows} patches' + f', keys of {r} x {r}' * (r > 1)
    drawing, axes = _on_photo(photo, title, subtitle, 36)
    own = photo.patch_box(*patch, neighbours.grid)
    for g, keys in enumerate(neighbours.index[:, patch[0] * columns + patch[1]].tolist()):
        for row, column in (divmod(key, columns // r) for key in keys):
            box = photo.patch_box(row * r, column * r, neighbours.grid, r)
            _mark(axes, box, photo.point, g, _centre(own), 1.5)
        _dot(axes, (), g)
    _outline(axes, own, 'white', 2.5, 'black')
    _legend(drawing, 18)
    return drawing


def _on_photo(
    photo: Photo, title: str, subtitle: str, foot: float, grey: bool = False
) -> tuple[Drawing, Axes]:
    """A drawing of two lines of heading, the photograph and `foot` points; its axes in pixels."""
    width, height = photo.image.size
    size = width / photo.point, height / photo.point
    drawing = Drawing(max(size[0], 320) + 2 * MARGIN, HEAD + size[1] + foot, f'{title}\n{subtitle}')
    drawing.text(MARGIN, 20, title, 17)
    drawing.text(MARGIN, 43, subtitle, 14, SOFT)
    axes = drawing.axes(MARGIN, HEAD, *size)
    image = photo.grey if grey else photo.image
    shown = axes.imshow(image, 'gray', vmin=0, vmax=255, extent=(0, width, height, 0))
    axes.autoscale(False)  # whatever is drawn on it
    drawing.photo = (photo.name + 'grey' * grey, shown)
    return drawing, axes


def _mark(
    axes: Axes, box: Box, point: float, group: int, start: tuple[float, float], width: float
) -> None:
    """A line from `start` to a patch and the patch's outline, readable on any photograph."""
    x, y = _centre(box)
    # outlines of later groups lie inside earlier ones; small patches are drawn larger
    half = [max(side / 2 - 2.5 * group * point, 3 * point)
            for side in (box[2] - box[0], box[3] - box[1])]  # fmt: skip
    halo = [withStroke(linewidth=width + 1.6, foreground='white', alpha=0.55)]
    line = {'color': _color(group), 'lw': width, 'alpha': 0.9, 'path_effects': halo}
    axes.plot((start[0], x), (start[1], y), clip_on=False, **line)
    _outline(axes, (x - half[0], y - half[1], x + half[0], y + half[1]), _color(group), 2.2)


def _outline(axes: Axes, box: Box, color: str, width: float, rim: str = 'white') -> None:
    left, top, right, bottom = box
    halo = {'path_effects': [withStroke(linewidth=width + 1.8, foreground=rim)], 'zorder': 3}
    shape = Rectangle((left, top), right - left, bottom - top, fill=False, ec=color, lw=width)
    axes.add_patch(shape).set(clip_on=False, **halo)


def _dot(axes: Axes, place: Sequence[float], group: int) -> None:
    """A dot at `place`, if it is not empty, and in the legend."""
    style = {'ms': 12, 'mec': 'white', 'clip_on': False, 'zorder': 4, 'ls': '', 'marker': 'o'}
    axes.plot(place[:1], place[1:], color=_color(group), label=f'group {group + 1}', **style)


def _legend(drawing: Drawing, y: float) -> None:
    place = (MARGIN / drawing.width, y / drawing.height)
    drawing.figure.legend(
        loc='center left', bbox_to_anchor=place, ncols=4, frameon=False, fontsize=14,
        borderpad=0, borderaxespad=0, handletextpad=0.1, columnspacing=0.8,
    )  # fmt: skip


def _color(group: int) -> str:
    return GROUPS[group % len(GROUPS)]


def _centre(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
