"""CropMix, the first transform of GKGNet's recipe."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from mmcv.transforms import BaseTransform
from mmpretrain.datasets.transforms import RandomResizedCrop

from mlgcn.registry import TRANSFORMS

from .resize import resize


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
