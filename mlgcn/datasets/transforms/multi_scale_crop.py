"""ADD-GCN's crop."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mlgcn.registry import TRANSFORMS

from .resize import resize

# Fixed positions in steps (right, down) of a quarter of the free room:
# the corners, the centre, the middles of the edges, the quarter points.
POSITIONS = (
    *((0, 0), (4, 0), (0, 4), (4, 4), (2, 2)),
    *((0, 2), (4, 2), (2, 4), (2, 0)),
    *((1, 1), (3, 1), (1, 3), (3, 3)),
)


@TRANSFORMS.register_module()
@dataclass(eq=False)
class MultiScaleCrop(BaseTransform):
    """Crop of one of several sizes and shapes at one of 13 fixed positions, resized to a square.

    As in ADD-GCN (Ye et al., ECCV 2020; after Wang et al., "Temporal Segment Networks", ECCV
    2016). Side lengths are the image's shorter side times each scale, and `size` itself where
    they come within 3 pixels of it. A crop's width and height are two of them, at most
    `max_distort` apart in the list; such a pair is drawn uniformly, then a position. Draws come
    from `np.random`, which mmengine seeds in every worker.

    Required and modified key: `img`, uint8 of shape (H, W, C), becomes (size, size, C) by a
    bilinear resize. Modified key: `img_shape`.

    Args:
        size: side of the result in pixels.
        scales: factors on the shorter side, in descending order.
        max_distort: greatest distance in `scales` between width and height.
        squash: before it is cropped, the image is resized to a square of this side (published:
            `size` + 64), in the same way.
    """

    size: int
    scales: tuple[float, ...] = (1, 0.875, 0.75, 0.66, 0.5)
    max_distort: int = 2
    squash: int | None = None

    def crop_sizes(self, width: int, height: int) -> list[tuple[int, int]]:
        """All (width, height) in pixels that a crop of such an image can have."""
        sides = [int(min(width, height) * scale) for scale in self.scales]
        sides = [self.size if abs(side - self.size) < 3 else side for side in sides]
        pairs = product(enumerate(sides), repeat=2)
        return [(w, h) for (i, w), (j, h) in pairs if abs(i - j) <= self.max_distort]

    @cache_randomness
    def draw_box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """(left, top, width, height) in pixels of a random crop of such an image."""
        sizes = self.crop_sizes(width, height)
        w, h = sizes[np.random.randint(len(sizes))]
        right, down = POSITIONS[np.random.randint(len(POSITIONS))]
        # A side rounded up to `size` can exceed the image by 2 pixels: then there is no free room.
        free_x, free_y = max(width - w, 0), max(height - h, 0)
        return right * (free_x // 4), down * (free_y // 4), w, h

    def transform(self, results: dict) -> dict:
        """Crop and resize `results['img']`."""
        image = results['img']
        if self.squash:
            image = resize(image, (self.squash, self.squash))
        x, y, w, h = self.draw_box(*image.shape[1::-1])
        results['img'] = resize(image[y : y + h, x : x + w], (self.size, self.size))
        results['img_shape'] = (self.size, self.size)
        return results
