"""One input of an inferencer: a path, a PIL image or an array."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from mlgcn.datasets.image_io import bgr

ORDERS = ('rgb', 'bgr')


def as_input(
    image: str | Path | np.ndarray | Image.Image, number: int, channel_order: str | None
) -> tuple[str, str | np.ndarray]:
    """(name, path or BGR array) of one input."""
    name = f'image {number}'
    if isinstance(image, (str, os.PathLike)):
        return os.fspath(image), os.fspath(image)
    if isinstance(image, Image.Image):
        return name, bgr(image)  # as a file of it would be read
    if not isinstance(image, np.ndarray):
        raise ValueError(
            f'{name} is a {type(image).__name__}, expected a path, a PIL image or an array'
        )
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(
            f'{name}: {image.dtype} of shape {image.shape}, expected uint8 of shape (H, W, 3)'
        )
    if channel_order is None:
        raise ValueError(f"{name} is an array: say channel_order='rgb' or 'bgr' (OpenCV, mmcv)")
    return name, image if channel_order == 'bgr' else np.ascontiguousarray(image[..., ::-1])
