"""The resize of training, and the crops of ADD-GCN and GKGNet."""

from dataclasses import dataclass
from itertools import pairwise, product

import mmcv
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmpretrain.datasets.transforms import RandomResizedCrop
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from mlgcn.registry import TRANSFORMS

# Configs in the metadata of older checkpoints name `mlgcn.Resize`, which had the same pixels.
TRANSFORMS.register_module(name='Resize', module=mmcv.transforms.Resize)
# Fixed positions in steps (right, down) of a quarter of the free room:
# the corners, the centre, the middles of the edges, the quarter points.
POSITIONS = (
    *((0, 0), (4, 0), (0, 4), (4, 4), (2, 2)),
    *((0, 2), (4, 2), (2, 4), (2, 0)),
    *((1, 1), (3, 1), (1, 3), (3, 3)),
)


def resize(image: np.ndarray, size: tuple[int, int], interpolation: str = 'bilinear') -> np.ndarray:
    """torch's antialiased uint8 resize of an (H, W, C) image to `size`, (width, height).

    Six times as fast as Pillow on one core with AVX2, and within 2 of 255 grey levels of it
    (480 x 640 to 448 x 448, bilinear: 0.24 ms against 1.69 ms). Published scores were measured
    with Pillow's pixels, so it is not for test pipelines.

    Args:
        interpolation: 'bilinear' or 'bicubic'.
    """
    # (C, H, W) as a view: in this memory format torch takes its vectorised uint8 path
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
    mode = InterpolationMode(interpolation)
    resized = functional.resize(pixels, [size[1], size[0]], mode, antialias=True)
    return resized.permute(1, 2, 0).contiguous().numpy()


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


@TRANSFORMS.register_module()
@dataclass(eq=False)
class CropMix(BaseTransform):
    """Mixes two to four random crops of one image; otherwise squashes the image to the same size.

    CropMix (Han et al., arXiv 2205.15955) as GKGNet uses it: the number n of crops is drawn from
    `numbers` for every image. Their areas are uniform in n - 1 equal parts of [min_area, 1], and
    one crop is nearly the whole image (0.99 to 1). In random order they are mixed one after
    another into the first, v = lam v + (1 - lam) crop with lam from Beta(alpha / n, alpha / n);
    whichever of the two weighs less gets its colour channels shuffled before. Resizing is
    bicubic. (The published code drew n once per worker process and kept it: a slip.)

    Required and modified key: `img`, uint8 of shape (H, W, 3), becomes (size, size, 3). Modified
    key: `img_shape`. Draws come from `np.random`, which mmengine seeds in every worker.

    Args:
        size: side of the result in pixels.
        prob: how often crops are mixed.
        numbers: numbers of crops to choose from, each at least 2.
        min_area: smallest area of a crop, as a part of the image's.
        alpha: the mixing weights' Beta parameter, before it is divided by n.

    Raises:
        ValueError: a number of crops is less than 2.
    """

    size: int
    prob: float = 0.5
    numbers: tuple[int, ...] = (2, 3, 4)
    min_area: float = 0.01
    alpha: float = 0.4

    def __post_init__(self) -> None:
        if min(self.numbers) < 2:
            raise ValueError(f'numbers={self.numbers}: mixing needs at least 2 crops')

    def area_ranges(self, number: int) -> list[tuple[float, float]]:
        """The ranges of the crops' areas, as parts of the image's area."""
        return [*pairwise(np.linspace(self.min_area, 1, number).tolist()), (0.99, 1.0)]

    def crop(self, image: np.ndarray, area: tuple[float, float]) -> np.ndarray:
        """A random crop of the given range of areas, resized to (size, size, 3)."""
        chooser = RandomResizedCrop(self.size, crop_ratio_range=area)
        top, left, height, width = chooser.rand_crop_params(image)
        crop = image[top : top + height, left : left + width]
        return resize(crop, (self.size, self.size), 'bicubic')

    def mix(self, crops: list[np.ndarray]) -> np.ndarray:
        """Mixes (size, size, 3) uint8 crops in the given order to one, values cut to uint8."""
        mixed = crops[0].astype(np.float32)
        for other in crops[1:]:
            lam = np.random.beta(self.alpha / len(crops), self.alpha / len(crops))
            colours = np.random.permutation(3)
            if lam > 0.5:
                other = other[..., colours]
            else:
                mixed = mixed[..., colours]
            mixed = other + np.float32(lam) * (mixed - other)
        return mixed.astype(np.uint8)

    def transform(self, results: dict) -> dict:
        """Replace `results['img']`."""
        image = results['img']
        if np.random.rand() < self.prob:
            ranges = self.area_ranges(np.random.choice(self.numbers))
            crops = [self.crop(image, ranges[i]) for i in np.random.permutation(len(ranges))]
            image = self.mix(crops)
        else:
            image = resize(image, (self.size, self.size), 'bicubic')
        results['img'] = image
        results['img_shape'] = image.shape[:2]
        return results
