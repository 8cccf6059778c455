"""What a data-set check wants to know of one image file: is it sound, odd, or a copy of another?"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from .image_file import BadImage, is_animated, open_file, open_image, read_image, turn

SUFFIXES = {
    'JPEG': {'.jpg', '.jpeg', '.jpe', '.jfif'},
    'MPO': {'.jpg', '.jpeg', '.mpo'},
    'TIFF': {'.tif', '.tiff'},
    'DIB': {'.dib', '.bmp'},
    'PPM': {'.ppm', '.pgm', '.pbm', '.pnm'},
    'JPEG2000': {'.jp2', '.j2k', '.jpx'},
}


class ImageFacts(NamedTuple):
    """What :func:`image_facts` found out; after a fault the fields behind it are empty."""

    path: str
    fault: str = ''  # why there is no image
    damage: str = ''  # what the JPEG decoder complained of, although it went on
    kinds: tuple[str, ...] = ()  # in what it differs from a plain colour JPEG
    size: tuple[int, int] = (0, 0)  # width and height of the upright image
    pixels: str = ''  # digest of size and pixels: equal for equal images
    look: int = 0  # 128 bits, of which few differ between images that look alike


def image_facts(path: str, max_pixels: int) -> ImageFacts:
    """Read the file at `path` once, in full."""
    try:
        with _stderr_to_file():  # `jpeg_damage` tells what is said there
            pixels = read_image(path, max_pixels)
    except BadImage as error:
        return ImageFacts(path, error.fault)
    with open_file(path) as file, open_image(file, max_pixels) as image:
        kinds = tuple(odd_kinds(image, path))
        damage = jpeg_damage(path) if image.format in ('JPEG', 'MPO') else ''
    height, width = pixels.shape[:2]
    digest = hashlib.blake2b(pixels, key=f'{width}x{height}'.encode(), digest_size=16).hexdigest()
    return ImageFacts(path, '', damage, kinds, (width, height), digest, look_of(pixels))


def odd_kinds(image: Image.Image, path: str) -> Iterator[str]:
    """What is unusual in an image of which the header is read; all of it is decoded rightly."""
    mode = image.mode
    if mode in ('1', 'P', 'CMYK', 'YCbCr', 'LAB'):
        yield {'1': 'black and white', 'P': 'palette'}.get(mode, mode)
    elif mode.startswith(('L', 'I', 'F')):
        yield 'grey'
    if mode.startswith('I') or ';16' in str(image.tile):
        yield '16 bits'
    if image.has_transparency_data:
        yield 'alpha or transparent colour'
    if is_animated(image):
        yield 'animated or several pages (the first is used)'
    if turn(image):
        yield 'turned by EXIF'
    if os.path.islink(path):
        yield 'symbolic link'
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES.get(image.format, {f'.{image.format.lower()}'}):
        yield f'{image.format} named {suffix or "without ending"}'


def jpeg_damage(path: str) -> str:
    """libjpeg's complaints about the data, which it prints and then goes on; '' without any.

    Entropy decoding alone (1/8 of the size, grey) meets them all. Only for a process of one thread:
    the standard error is put aside meanwhile.
    """
    with open_file(path) as file:
        data = np.frombuffer(file.read(), np.uint8)
    with _stderr_to_file() as said:
        cv2.imdecode(data, cv2.IMREAD_REDUCED_GRAYSCALE_8)
        said.seek(0)
        return ' '.join(said.read().decode(errors='replace').split())


def look_of(pixels: np.ndarray) -> int:
    """A 128-bit difference hash of (H, W, 3): where grey rises to the right, and where downwards.

    After N. Krawetz, "Kind of like that" (2013).
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (9, 9), interpolation=cv2.INTER_AREA).astype(int)
    rises = (small[:8, 1:] > small[:8, :8], small[1:, :8] > small[:8, :8])
    return int.from_bytes(np.packbits(np.stack(rises)).tobytes(), 'big')


@contextmanager
def _stderr_to_file() -> Iterator:
    """File descriptor 2, which C libraries write to, for the while a temporary file; yields it."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield file
        finally:
            os.dup2(kept, 2)
            os.close(kept)
