"""The picture that a model saw, as something to draw on."""

import math

import torch
from mmpretrain.models.utils import ClsDataPreprocessor
from numpy import ndarray
from PIL import Image
from torch import Tensor

from .canvas import Canvas
from .pillow_shapes import Point

LONG_SIDE = 400  # CSS pixels of the photograph's longer side in a drawing
MARGIN, HEAD = 12, 62


def seen_image(preprocessor: ClsDataPreprocessor, x: Tensor) -> ndarray:
    """The pixels, uint8 (H, W, 3) in RGB, behind a model's input (1, 3, H, W).

    Normalisation and channel order of the data preprocessor are undone, so that whatever the test
    pipeline cut away or squeezed is cut away or squeezed here. The pipeline itself must not
    normalise (those of mlgcn's configs do not).
    """
    x = x[0].float()
    if getattr(preprocessor, 'mean', None) is not None:
        x = x * preprocessor.std + preprocessor.mean
    if not preprocessor.to_rgb:
        x = x.flip(0)
    return x.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()


class Photo:
    """A picture in a drawing, and where its patches lie there.

    Args:
        image: uint8 (H, W, 3), RGB.
        name: id of the picture on the page; its grey version is `name` + 'grey'.
    """

    def __init__(self, image: ndarray, name: str):
        self.image, self.name = Image.fromarray(image), name
        self.grey = self.image.convert('L')
        self.scale = LONG_SIDE / max(self.image.size)
        width, height = self.image.size
        self.width, self.height = width * self.scale, height * self.scale

    def canvas(self, title: str, subtitle: str, foot: float, grey: bool = False) -> Canvas:
        """A canvas with two lines of heading, the picture, and `foot` pixels below it."""
        width = max(self.width, 320) + 2 * MARGIN
        canvas = Canvas(width, HEAD + self.height + foot, f'{title}; {subtitle}')
        room = width - 2 * MARGIN
        canvas.text((MARGIN, 18), title, 17, room=room)
        canvas.text((MARGIN, 41), subtitle, 14, 'soft', room=room)
        box = (MARGIN, HEAD, MARGIN + self.width, HEAD + self.height)
        use = self.name + 'grey' * grey
        canvas.picture(box, self.grey if grey else self.image, use)
        return canvas

    def strides(self, grid: tuple[int, int]) -> tuple[float, float]:
        """Pixels of the picture from patch to patch of a grid (rows, columns), down and across.

        Strided convolutions halve and round up, so a power of two where one gives this grid.
        """
        sides = (self.image.height, self.image.width)
        powers = [2 ** math.ceil(math.log2(side / n)) for side, n in zip(sides, grid)]
        return tuple(
            power if math.ceil(side / power) == n else side / n
            for side, n, power in zip(sides, grid, powers)
        )

    def patch_box(
        self, row: int, column: int, grid: tuple[int, int], span: int = 1
    ) -> tuple[float, float, float, float]:
        """Where span x span patches, the first at (row, column), lie in the drawing."""
        down, across = self.strides(grid)
        top, left = row * down, column * across
        right = min(left + span * across, self.image.width)
        bottom = min(top + span * down, self.image.height)
        scaled = (edge * self.scale for edge in (left, top, right, bottom))
        return tuple(edge + start for edge, start in zip(scaled, (MARGIN, HEAD) * 2))

    def patch_at(self, pixel: tuple[int, int], grid: tuple[int, int]) -> tuple[int, int]:
        """(row, column) of the patch of a grid in which pixel (x, y) lies."""
        down, across = self.strides(grid)
        row, column = int(pixel[1] // down), int(pixel[0] // across)
        return min(row, grid[0] - 1), min(column, grid[1] - 1)

    def middle(self, patch: tuple[int, int], grid: tuple[int, int]) -> tuple[int, int]:
        """The pixel (x, y) in the middle of the patch (row, column)."""
        down, across = self.strides(grid)
        x, y = int((patch[1] + 0.5) * across), int((patch[0] + 0.5) * down)
        return min(x, self.image.width - 1), min(y, self.image.height - 1)

    def cells(self, colors: ndarray) -> Image.Image:
        """One colour a patch, uint8 (rows, columns, 4), as an image that covers the picture."""
        rows, columns = colors.shape[:2]
        down, across = self.strides((rows, columns))
        size = (round(columns * across), round(rows * down))
        whole = Image.fromarray(colors).resize(size, Image.Resampling.NEAREST)
        return whole.crop((0, 0, *self.image.size))


def centre(box: tuple[float, float, float, float]) -> Point:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
