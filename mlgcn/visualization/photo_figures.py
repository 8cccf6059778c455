"""Figures on the photograph: maps, and the patches that a label or a patch chose."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy import ndarray
from PIL import Image

from .attributions import ChosenPatches
from .drawing import SOFT, add_scale, new_figure, shortened

# One colour per group of channels: Okabe and Ito's palette, told apart by colour-blind readers.
GROUPS = ('#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00')
# Purple against a label, orange for it, transparent in the middle.
INKS = LinearSegmentedColormap.from_list(
    'inks', [(0, '#5e3c99e6'), (0.5, '#5e3c9900'), (0.5, '#fd8d1400'), (1, '#fd8d14e6')]
)
LONG_SIDE, ROOM = 400, (24, 132)  # points: the photograph's longer side, what lies around it


class Photo:
    """The picture that the model saw, uint8 (H, W, 3), and where its patches lie in pixels."""

    def __init__(self, pixels: ndarray):
        self.image = Image.fromarray(pixels)
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

    def patch(self, row: int, column: int, grid: tuple[int, int], span: int = 1) -> Rectangle:
        """span x span patches, the first at (row, column), as far as they lie in the picture."""
        down, across = self.strides(grid)
        x, y, (width, height) = column * across, row * down, self.image.size
        return Rectangle((x, y), min(span * across, width - x), min(span * down, height - y))

    def patch_at(self, pixel: tuple[float, float], grid: tuple[int, int]) -> tuple[int, int]:
        """(row, column) of the patch in which pixel (x, y) lies."""
        down, across = self.strides(grid)
        return min(int(pixel[1] // down), grid[0] - 1), min(int(pixel[0] // across), grid[1] - 1)


def map_figure(photo: Photo, values: ndarray, title: str, subtitle: str, signed: bool) -> Figure:
    """A map (rows, columns) over the grey photograph, one square per position, and its scale.

    Unsigned maps are coloured over their own range. Signed ones are orange above 0 and purple
    below, the more opaque the larger.
    """
    axes = _on_photo(photo, photo.image.convert('L'), title, subtitle)
    most = np.abs(values).max()
    low, high = (-most, most) if signed else (values.min(), values.max())
    (rows, columns), (down, across) = values.shape, photo.strides(values.shape)
    style = {'cmap': INKS} if signed else {'cmap': 'viridis', 'alpha': 0.62}
    extent = (0, columns * across, rows * down, 0)
    shown = axes.imshow(values, vmin=low, vmax=high, extent=extent, interpolation='none', **style)
    add_scale(shown, axes).set_facecolor('#808080')
    return axes.figure


def patches_figure(
    photo: Photo, chosen: ChosenPatches, node: int | tuple[int, int], title: str
) -> Figure:
    """Lines to the patches that a node chose, in the colours of the groups of channels.

    The node is label `node` of `chosen`, whose lines start above the photograph and are as wide as
    the shares, or the patch at `node`, a (row, column).
    """
    (rows, columns), (down, across), r = chosen.grid, photo.strides(chosen.grid), chosen.reduction
    subtitle = f'{columns} x {rows} patches of {across:.4g} x {down:.4g} pixels'
    index, widths, own = node, np.full(chosen.index.shape, 1.5), None
    if isinstance(node, tuple):
        index, own = node[0] * columns + node[1], photo.patch(*node, chosen.grid)
        subtitle += f', keys of {r} x {r} patches' * (r > 1)
    else:
        widths = 1 + 5 * chosen.share.numpy()
        most = chosen.share[:, node].max()
        subtitle += f'\nline width: share of the channels, up to {most:.0%}'
    axes = _on_photo(photo, photo.image, title, subtitle)
    for g, keys in enumerate(chosen.index[:, index].tolist()):
        start, color = (photo.image.width * (g + 1) / (len(widths) + 1), 0), GROUPS[g % len(GROUPS)]
        start = own.get_center() if own else start
        axes.plot(*start, 'o', mfc=color, mec='white', ms=12, clip_on=False, label=f'group {g + 1}')
        for key, width in zip(keys, widths[g, index]):
            row, column = divmod(key, columns // r)
            patch = photo.patch(row * r, column * r, chosen.grid, r)
            x, y = patch.get_center()
            axes.plot(*zip(start, (x, y)), color=color, lw=width, path_effects=_rim(width))
            # outlines of later groups lie inside earlier ones; small patches are drawn larger
            sides = patch.get_width(), patch.get_height()
            w, h = (max(side - 5 * g * photo.point, 6 * photo.point) for side in sides)
            patch.set(bounds=(x - w / 2, y - h / 2, w, h), fill=False, ec=color, lw=2.2)
            axes.add_patch(patch).set(zorder=3, path_effects=_rim(2.2))
    if own:
        own.set(fill=False, ec='white', lw=2.5, path_effects=_rim(2.5, 'black'))
        axes.add_patch(own).set_zorder(5)
    axes.figure.legend(loc='outside lower left', ncols=4, frameon=False, handletextpad=0.1)
    return axes.figure


def _rim(width: float, color: str = 'white') -> list[withStroke]:
    """What makes a line of so many points visible on every photograph."""
    return [withStroke(linewidth=width + 2, foreground=color)]


def _on_photo(photo: Photo, image: Image.Image, title: str, subtitle: str) -> Axes:
    """Axes in pixels on `image`, the photograph, with title and subtitle."""
    width, height = image.size
    size = max(width / photo.point, 320) + ROOM[0], height / photo.point + ROOM[1]
    axes = new_figure(*size, shortened(title, 36)).add_subplot(xticks=(), yticks=())
    axes.set_xlabel(subtitle, color=SOFT)
    axes.imshow(image, 'gray', vmin=0, vmax=255, extent=(0, width, height, 0))
    axes.autoscale(False)  # whatever is drawn on it
    return axes
