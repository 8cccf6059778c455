"""Pictures on the photograph: maps, the patches that labels chose, the neighbours of a patch."""

import math
from collections.abc import Sequence

import numpy as np
from numpy import ndarray
from PIL import Image

from .canvas import Canvas
from .colors import GROUPS, on_grey, sequential, two_inks
from .patch_edges import ChosenPatches, PatchNeighbours
from .photo import HEAD, MARGIN, Photo, centre
from .pillow_shapes import Point

BAR = 44  # height of the colour bar below a map
LEGEND = 36
OPACITY = 0.62  # of maps without sign


def map_picture(photo: Photo, values: ndarray, title: str, subtitle: str, signed: bool) -> Canvas:
    """A map (rows, columns) over the grey photograph, one square for every place, and its scale.

    Unsigned maps are coloured from their smallest value to their largest; signed ones are orange
    above 0 and purple below, the more opaque the larger.
    """
    low, high = float(values.min()), float(values.max())
    if signed:
        high = max(-low, high)
        low = -high
        colors, opacity = two_inks(values / (high or 1))
    else:
        relative = (values - low) / ((high - low) or 1)
        colors, opacity = sequential(relative), np.full(values.shape, OPACITY)
    alpha = (255 * opacity).round().astype(np.uint8)[..., None]
    canvas = photo.canvas(title, subtitle, BAR, grey=True)
    box = (MARGIN, HEAD, MARGIN + photo.width, HEAD + photo.height)
    canvas.picture(box, photo.cells(np.concatenate([colors, alpha], axis=-1)), smooth=False)
    ramp = np.linspace(-1 if signed else 0, 1, 64)[None]
    inks = two_inks(ramp) if signed else (sequential(ramp), np.full(ramp.shape, OPACITY))
    color_bar(canvas, (MARGIN, HEAD + photo.height + 14), on_grey(*inks), low, high)
    return canvas


def color_bar(canvas: Canvas, at: Point, colors: ndarray, low: float, high: float) -> None:
    """The colours uint8 (1, n, 3) from `low` to `high`, 160 pixels wide, with both numbers."""
    x, y = at
    canvas.picture((x, y, x + 160, y + 16), Image.fromarray(colors))
    canvas.text((x + 170, y + 8), span(low, high), 14)


def label_picture(photo: Photo, chosen: ChosenPatches, label: int, title: str) -> Canvas:
    """Lines from a label, one dot for each group of channels, to the patches that it chose."""
    groups = len(chosen.index)
    rows, columns = chosen.grid
    down, across = photo.strides(chosen.grid)
    subtitle = f'{columns} x {rows} patches of {across:.4g} x {down:.4g} pixels'
    canvas = photo.canvas(title, subtitle, LEGEND + 26)
    share = chosen.share[:, label]
    for g in range(groups):
        color = GROUPS[g % len(GROUPS)]
        start = (MARGIN + photo.width * (g + 1) / (groups + 1), HEAD - 4)
        for patch, part in zip(chosen.index[g, label].tolist(), share[g].tolist()):
            box = photo.patch_box(*divmod(patch, columns), chosen.grid)
            _mark(canvas, box, color, start, 1 + 5 * part, inset=g)
        canvas.circle(start, 6, color, '#ffffff')
    foot = HEAD + photo.height + LEGEND / 2
    _legend(canvas, foot, groups)
    canvas.text(
        (MARGIN, foot + 24),
        f'Line width: share of the channels, up to {share.max():.0%}',
        13,
        'soft',
        room=canvas.width - 2 * MARGIN,
    )
    return canvas


def neighbour_picture(
    photo: Photo, neighbours: PatchNeighbours, patch: tuple[int, int], title: str
) -> Canvas:
    """Lines from a patch (row, column) to the keys that it chose, for each group of channels."""
    r, (rows, columns) = neighbours.reduction, neighbours.grid
    subtitle = f'{columns} x {rows} patches' + f', keys of {r} x {r}' * (r > 1)
    canvas = photo.canvas(title, subtitle, LEGEND)
    own = photo.patch_box(*patch, neighbours.grid)
    node = patch[0] * columns + patch[1]
    for g, chosen in enumerate(neighbours.index[:, node].tolist()):
        for key in chosen:
            row, column = divmod(key, columns // r)
            box = photo.patch_box(row * r, column * r, neighbours.grid, r)
            _mark(canvas, box, GROUPS[g % len(GROUPS)], centre(own), 1.5, inset=g)
    canvas.rect(own, None, '#000000', 5)
    canvas.rect(own, None, '#ffffff', 2.5)
    foot = HEAD + photo.height + LEGEND / 2
    _legend(canvas, foot, len(neighbours.index))
    return canvas


def _mark(
    canvas: Canvas, box: Sequence[float], color: str, start: Point, width: float, inset: int
) -> None:
    """A line from `start` to a patch and the patch's outline, readable on any photograph."""
    half = (box[2] - box[0]) / 2  # small patches are drawn larger, later groups inside earlier ones
    grow = 3 - half if half < 3 else -min(2.5 * inset, max(0, half - 5))
    box = (box[0] - grow, box[1] - grow, box[2] + grow, box[3] + grow)
    line = (start, centre(box))
    canvas.polyline(line, '#ffffff', width + 1.6, 0.55)
    canvas.polyline(line, color, width, 0.9)
    canvas.rect(box, None, '#ffffff', 4)
    canvas.rect(box, None, color, 2.2)


def _legend(canvas: Canvas, y: float, groups: int) -> None:
    for g in range(groups):
        x = MARGIN + 6 + (84 if groups < 5 else 40) * g
        canvas.circle((x, y), 6, GROUPS[g % len(GROUPS)])
        canvas.text((x + 12, y), f'group {g + 1}' if groups < 5 else str(g + 1), 14)


def span(low: float, high: float) -> str:
    """Both numbers with the digits that tell them apart, two at least."""
    size = max(abs(low), abs(high))
    digits = 2 + math.ceil(math.log10(size / (high - low))) if high > low else 2
    digits = min(max(digits, 2), 7)
    return f'{low:.{digits}g} to {high:.{digits}g}'


def short(value: float, decimals: int | None = None) -> str:
    """Two significant digits; or, for signed values, `decimals`, and '~0' where none is left."""
    if value == 0:
        return '0'
    if decimals is not None:
        return f'{value:+.{decimals}f}' if abs(value) >= 0.5 * 10**-decimals else '~0'
    return f'{value:.2g}' if abs(value) >= 0.001 else f'{value:.0e}'
