"""Resizing for training. Test pipelines use mmcv's `Resize(backend='pillow')` instead."""

import mmcv
import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from mlgcn.registry import TRANSFORMS

# Configs in the metadata of older checkpoints name `mlgcn.Resize`, which had the same pixels.
TRANSFORMS.register_module(name='Resize', module=mmcv.transforms.Resize)


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
