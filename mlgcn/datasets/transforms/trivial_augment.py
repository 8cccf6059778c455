"""TrivialAugment in the space that GKGNet's recipe uses."""

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from PIL import Image
from torchvision.transforms import TrivialAugmentWide

from mlgcn.registry import TRANSFORMS

LEVELS = torch.arange(31, dtype=torch.float64)  # float32 would round shears to other pixels


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
