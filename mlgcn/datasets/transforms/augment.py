"""The augmentations of other recipes: a cut-out, and TrivialAugment."""

from dataclasses import dataclass

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from PIL import Image
from torchvision.transforms import TrivialAugmentWide

from mlgcn.registry import TRANSFORMS

LEVELS = torch.arange(31, dtype=torch.float64)  # float32 would round shears to other pixels


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


class _StandardSpace(TrivialAugmentWide):
    """torchvision's draws and operations with AutoAugment's strengths."""

    def _augmentation_space(self, num_bins: int) -> dict[str, tuple[torch.Tensor, bool]]:
        """{operation: (magnitudes, whether the sign is random)}, in torchvision's units."""
        none = torch.tensor(0.0)
        enhance = 0.1 + 1.8 * LEVELS / 30 - 1  # torchvision adds the 1 again
        shear = 0.3 * LEVELS / 30
        return {
            'Identity': (none, False),
            'AutoContrast': (none, False),
            'Equalize': (none, False),
            'Rotate': (LEVELS, True),  # degrees
            'Solarize': (256 - LEVELS * 256 // 30, False),
            'Color': (enhance, False),
            'Posterize': (8 - LEVELS * 4 // 30, False),  # bits
            'Contrast': (enhance, False),
            'Brightness': (enhance, False),
            'Sharpness': (enhance, False),
            'ShearX': (shear, True),
            'ShearY': (shear, True),
            'TranslateX': (LEVELS // 3, True),  # pixels
            'TranslateY': (LEVELS // 3, True),
        }


@TRANSFORMS.register_module()
class TrivialAugment(BaseTransform):
    """One of 14 operations of Pillow at one of 31 strengths, both drawn uniformly.

    TrivialAugment (Mueller and Hutter, ICCV 2021) in AutoAugment's standard space: rotation to 30
    degrees, shear to 0.3 and translation to 10 pixels either way, posterisation to 4 bits, colour,
    contrast, brightness and sharpness by factors of 0.1 to 1.9. Loop and operations are
    torchvision's `TrivialAugmentWide`, whose own space is wider.

    Required and modified key: `img`, uint8 of shape (H, W, 3). As published it is taken as it is,
    that is in mmcv's BGR order: colour and contrast then weigh blue and red the other way round.
    Draws come from torch's generator, which mmengine seeds in every worker.
    """

    def __init__(self) -> None:
        self.augment = _StandardSpace()

    def transform(self, results: dict) -> dict:
        """Change `results['img']`."""
        results['img'] = np.array(self.augment(Image.fromarray(results['img'])))
        return results
