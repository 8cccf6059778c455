"""Figures on the photograph: maps, patches that labels chose, neighbours of a patch."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from numpy import ndarray
from PIL import Image

from .attributions import ChosenPatches, PatchNeighbours
from .drawing import SOFT, Drawing, shortened

# One colour per group of channels: Okabe and Ito's palette, told apart by colour-blind readers.
GROUPS = ('#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00')
# Purple against a label, orange for it, transparent in the middle.
INKS = LinearSegmentedColormap.from_list(
    'inks', [(0, '#5e3c99e6'), (0.5, '#5e3c9900'), (0.5, '#fd8d1400'), (1, '#fd8d14e6')]
)
LEGEND = {'loc': 'outside lower left', 'ncols': 4, 'frameon': False, 'handletextpad': 0.1}
LONG_SIDE, ROOM = 400, (24, 132)  # points: the photograph's longer side, what lies around it
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
    drawing, axes = _on_photo(photo, title, subtitle, grey=True)
    limits = float(values.min()), float(values.max())
    if signed:
        limits = -np.abs(values).max(), np.abs(values).max()
    (rows, columns), (down, across) = values.shape, photo.strides(values.shape)
    shown = axes.imshow(
        values, INKS if signed else 'viridis', vmin=limits[0], vmax=limits[1],
        alpha=None if signed else 0.62, extent=(0, columns * across, rows * down, 0),
        interpolation='none',
    )  # fmt: skip
    bar = drawing.figure.colorbar(shown, ax=axes, location='bottom', shrink=0.5, aspect=14)
    bar.set_ticks(limits, labels=[f'{limit:.4g}' for limit in limits])
    bar.ax.set_facecolor('#808080')
    bar.solids.set_rasterized(True)  # one image instead of 256 shapes in the SVG
    return drawing


def patches_figure(photo: Photo, chosen: ChosenPatches, label: int, title: str) -> Drawing:
    """Lines from a label, one dot per group of channels, to the patches that it chose."""
    (rows, columns), (down, across) = chosen.grid, photo.strides(chosen.grid)
    groups, share = len(chosen.index), chosen.share[:, label]
    subtitle = (
        f'{columns} x {rows} patches of {across:.4g} x {down:.4g} pixels\n'
        f'line width: share of the channels, up to {share.max():.0%}'
    )
    drawing, axes = _on_photo(photo, title, subtitle)
    for g, patches in enumerate(chosen.index[:, label].tolist()):
        start = (photo.image.width * (g + 1) / (groups + 1), 0)
        boxes = [photo.patch_box(*divmod(patch, columns), chosen.grid) for patch in patches]
        _draw_group(axes, photo.point, g, start, boxes, 1 + 5 * share[g].numpy())
        axes.plot(*start, 'o', mfc=_color(g), mec='white', ms=12, clip_on=False, zorder=4)
    drawing.figure.legend(**LEGEND)
    return drawing


def neighbours_figure(
    photo: Photo, neighbours: PatchNeighbours, patch: tuple[int, int], title: str
) -> Drawing:
    """Lines from a patch (row, column) to the keys that it chose, by group of channels."""
    r, (rows, columns) = neighbours.reduction, neighbours.grid
    subtitle = f'{columns} x {rows} patches' + f', keys of {r} x {r}' * (r > 1)
    drawing, axes = _on_photo(photo, title, subtitle)
    own = photo.patch_box(*patch, neighbours.grid)
    for g, keys in enumerate(neighbours.index[:, patch[0] * columns + patch[1]].tolist()):
        places = [divmod(key, columns // r) for key in keys]
        boxes = [photo.patch_box(y * r, x * r, neighbours.grid, r) for y, x in places]
        _draw_group(axes, photo.point, g, _middle(own), boxes, np.full(len(keys), 1.5))
    for color, width in (('black', 5), ('white', 2.5)):
        axes.add_patch(_rectangle(own, ec=color, lw=width, fill=False, zorder=5))
    drawing.figure.legend(**LEGEND)
    return drawing


def _on_photo(photo: Photo, title: str, subtitle: str, grey: bool = False) -> tuple[Drawing, Axes]:
    """A drawing of title, photograph and subtitle; its axes are in pixels."""
    width, height = photo.image.size
    size = (max(width / photo.point, 320) + ROOM[0], height / photo.point + ROOM[1])
    drawing = Drawing(*size, f'{title}\n{subtitle}')
    axes = drawing.figure.add_subplot(xticks=(), yticks=())
    drawing.figure.suptitle(shortened(title, 36), size=15, x=0.02, ha='left')
    axes.set_xlabel(subtitle, color=SOFT)
    image = photo.grey if grey else photo.image
    shown = axes.imshow(image, 'gray', vmin=0, vmax=255, extent=(0, width, height, 0))
    axes.autoscale(False)  # whatever is drawn on it
    drawing.photo = (photo.name + 'grey' * grey, shown)
    return drawing, axes


def _draw_group(
    axes: Axes, point: float, group: int, start: Sequence[float], boxes: list[Box], widths: ndarray
) -> None:
    """Lines from `start` to the patches of a group, and their outlines, all with white rims."""
    color, lines, squares = _color(group), [], []
    for box in boxes:
        x, y = _middle(box)
        # outlines of later groups lie inside earlier ones; small patches are drawn larger
        sides = (box[2] - box[0], box[3] - box[1])
        half = [max(side / 2 - 2.5 * group * point, 3 * point) for side in sides]
        lines.append((start, (x, y)))
        squares.append(_rectangle((x - half[0], y - half[1], x + half[0], y + half[1])))
    for ink, alpha, rim in (('white', 0.55, 1.6), (color, 0.9, 0)):
        axes.add_collection(LineCollection(lines, lw=widths + rim, color=ink, alpha=alpha))
        outlines = PatchCollection(squares, fc='none', ec=ink, lw=2.2 + rim, zorder=3)
        axes.add_collection(outlines)
    axes.plot([], [], 'o', color=color, ms=11, label=f'group {group + 1}')


def _color(group: int) -> str:
    return GROUPS[group % len(GROUPS)]


def _rectangle(box: Box, **options) -> Rectangle:
    return Rectangle(box[:2], box[2] - box[0], box[3] - box[1], **options)


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
