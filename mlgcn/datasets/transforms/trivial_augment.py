"""TrivialAugment in the space that GKGNet's recipe uses."""

import numpy as np
from mmcv.transforms import BaseTransform
from PIL import Image, ImageEnhance, ImageOps

from mlgcn.registry import TRANSFORMS

LEVELS = 30


def _shift(image: Image.Image, *matrix: float) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, matrix)


def _factor(level: int) -> float:
    return 0.1 + 1.8 * level / LEVELS


# Image, level from 0 to 30, and a random sign -> image. Pixels from outside are black.
OPERATIONS = {
    'Identity': lambda image, level, sign: image,
    'AutoContrast': lambda image, level, sign: ImageOps.autocontrast(image),
    'Equalize': lambda image, level, sign: ImageOps.equalize(image),
    'Rotate': lambda image, level, sign: image.rotate(sign * level),  # degrees
    'Solarize': lambda image, level, sign: ImageOps.solarize(image, 256 - level * 256 // LEVELS),
    'Color': lambda image, level, sign: ImageEnhance.Color(image).enhance(_factor(level)),
    'Posterize': lambda image, level, sign: ImageOps.posterize(image, 8 - level * 4 // LEVELS),
    'Contrast': lambda image, level, sign: ImageEnhance.Contrast(image).enhance(_factor(level)),
    'Brightness': lambda image, level, sign: ImageEnhance.Brightness(image).enhance(_factor(level)),
    'Sharpness': lambda image, level, sign: ImageEnhance.Sharpness(image).enhance(_factor(level)),
    'ShearX': lambda image, level, sign: _shift(image, 1, sign * 0.3 * level / LEVELS, 0, 0, 1, 0),
    'ShearY': lambda image, level, sign: _shift(image, 1, 0, 0, sign * 0.3 * level / LEVELS, 1, 0),
    'TranslateX': lambda image, level, sign: _shift(image, 1, 0, sign * (level // 3), 0, 1, 0),
    'TranslateY': lambda image, level, sign: _shift(image, 1, 0, 0, 0, 1, sign * (level // 3)),
}


@TRANSFORMS.register_module()
class TrivialAugment(BaseTransform):
    """One of 14 operations of Pillow at one of 31 strengths, both drawn uniformly.

    TrivialAugment (Mueller and Hutter, ICCV 2021) in AutoAugment's standard space: rotation to 30
    degrees, shear to 0.3 and translation to 10 pixels either way, posterisation to 4 bits, colour,
    contrast, brightness and sharpness by factors of 0.1 to 1.9.

    Why not upstream's: torchvision's TrivialAugmentWide has another space. mmpretrain's RandAugment
    can be given these operations, but it draws continuous strengths, translates by a part of the
    width, and computes colour, contrast, sharpness, shear and rotation with OpenCV, which gives
    other pixels.

    Required and modified key: `img`, uint8 of shape (H, W, 3). As published it is taken as it is,
    that is in mmcv's BGR order: colour and contrast then weigh blue and red the other way round.
    Draws come from `np.random`, which mmengine seeds in every worker.
    """

    def transform(self, results: dict) -> dict:
        """Change `results['img']`."""
        operation = OPERATIONS[np.random.choice(list(OPERATIONS))]
        level, sign = np.random.randint(LEVELS + 1), np.random.choice((-1, 1))
        image = operation(Image.fromarray(results['img']), int(level), int(sign))
        results['img'] = np.array(image)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
