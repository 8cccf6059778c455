"""The cut-out of ASL's and ML-Decoder's recipes."""

from dataclasses import dataclass

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mlgcn.registry import TRANSFORMS


@TRANSFORMS.register_module()
@dataclass(eq=False)
class CutOut(BaseTransform):
    """Covers one rectangle with one random colour.

    Its centre is anywhere in the image, its sides are `share` of the image's, cut at the borders.
    Upstream's `Cutout` has one fixed colour, its `RandomErasing` random places inside the image.

    Required and modified key: `img`, uint8 of shape (H, W, 3). Draws come from `np.random`, which
    mmengine seeds in every worker.
    """

    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f'share={self.share}: expected a part of the side, in (0, 1]')

    @cache_randomness
    def draw(self, height: int, width: int) -> tuple[int, int, np.ndarray]:
        """The centre (row, column) and the colour."""
        return (
            np.random.randint(height),
            np.random.randint(width),
            np.random.randint(0, 256, 3, dtype=np.uint8),
        )

    def transform(self, results: dict) -> dict:
        """Replace `results['img']`."""
        image = results['img'].copy()
        height, width = image.shape[:2]
        row, column, colour = self.draw(height, width)
        rows, columns = (round(self.share * side / 2) for side in (height, width))
        top, left = max(row - rows, 0), max(column - columns, 0)
        image[top : row + rows, left : column + columns] = colour
        results['img'] = image
        return results
