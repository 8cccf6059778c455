"""What a data-set check wants to know of one image file: is it sound, odd, or a copy of another?"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from . import image_io
from .image_check import used_bits

SUFFIXES = {
    'JPEG': {'.jpg', '.jpeg', '.jpe', '.jfif'},
    'MPO': {'.jpg', '.jpeg', '.mpo'},
    'TIFF': {'.tif', '.tiff'},
    'DIB': {'.dib', '.bmp'},
    'PPM': {'.ppm', '.pgm', '.pbm', '.pnm'},
    'JPEG2000': {'.jp2', '.j2k', '.jpx'},
}
TURNED = 'turned by EXIF'
MODES = {'1': 'black and white', 'P': 'palette', 'CMYK': 'CMYK', 'YCbCr': 'YCbCr', 'LAB': 'LAB'}


class ImageFacts(NamedTuple):
    """What `image_facts` found out; after a fault the fields behind it are empty."""

    path: str
    fault: str = ''  # why there is no image, or which part of it is missing
    bits: int = 0  # of 16, that the values need; 0 where it does not matter
    kinds: tuple[str, ...] = ()  # in what it differs from a plain colour JPEG
    size: tuple[int, int] = (0, 0)  # width and height of the upright image
    pixels: str = ''  # digest of size and pixels: equal for equal images
    look: int = 0  # 128 bits, of which few differ between images that look alike


def image_facts(path: str, **options) -> ImageFacts:
    """Read the file at `path` once, in full; `options` are those of `read_image`."""
    try:
        pixels = image_io.read_image(path, **options)
    except image_io.BadImage as error:
        return ImageFacts(path, error.fault)
    with (
        image_io.open_file(path) as file,
        image_io.open_image(file, options.get('max_pixels', image_io.MAX_PIXELS)) as image,
    ):
        kinds = tuple(odd_kinds(image, path))
        deep = image_io.is_deep(image) and not options.get('value_range')
    height, width = pixels.shape[:2]
    digest = hashlib.blake2b(pixels, key=f'{width}x{height}'.encode(), digest_size=16).hexdigest()
    bits = used_bits([path]) if deep else 0
    return ImageFacts(path, '', bits, kinds, (width, height), digest, look_of(pixels))


def odd_kinds(image: Image.Image, path: str) -> Iterator[str]:
    """What is unusual in an image of which the header is read; all of it is decoded rightly."""
    mode = image.mode
    if mode in MODES:
        yield MODES[mode]
    elif mode.startswith(('L', 'I', 'F')):
        yield 'grey'
    if image_io.is_deep(image):
        yield '16 bits'
    if image.has_transparency_data:
        yield 'alpha or transparent colour'
    if image_io.is_animated(image):
        yield 'animated or several pages (the first is used)'
    if image_io.orientation(image) != 1:
        yield TURNED
    if os.path.islink(path):
        yield 'symbolic link'
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES.get(image.format, {f'.{image.format.lower()}'}):
        yield f'{image.format} named {suffix or "without ending"}'
    if image_io.jpeg_warning(image):
        yield 'JPEG with a warning of the decoder, all pixels there'


def look_of(pixels: np.ndarray) -> int:
    """A 128-bit difference hash of (H, W, 3): where grey rises to the right, and where downwards.

    After N. Krawetz, "Kind of like that" (2013).
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (9, 9), interpolation=cv2.INTER_AREA).astype(int)
    rises = (small[:8, 1:] > small[:8, :8], small[1:, :8] > small[:8, :8])
    return int.from_bytes(np.packbits(np.stack(rises)).tobytes(), 'big')
