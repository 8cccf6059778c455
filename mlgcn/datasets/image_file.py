"""An image file of any common kind to 8-bit colour; what cannot be, raises an error that says why.

mmcv's readers get plain JPEGs right, and the pixels here are theirs. Beyond them, its `cv2` cuts
alpha off and takes a file that ends early for whole; its `pillow` makes 16-bit grey white, raises
for a broken EXIF block, and lets a file choose any of Pillow's fifty readers (one starts
Ghostscript).
"""

import os
import stat
import warnings
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image

Image.init()
KNOWN = ('JPEG', 'PNG', 'GIF', 'WEBP', 'BMP', 'DIB', 'TIFF', 'PPM', 'JPEG2000', 'AVIF')
FORMATS = [name for name in KNOWN if name in Image.OPEN]  # AVIF is missing from older Pillows
MAX_PIXELS = Image.MAX_IMAGE_PIXELS  # 89,478,485: where Pillow begins to warn
# Behind transparent parts, RGB: ImageNet's mean, as mmcv has it behind grey with alpha.
BACKGROUND = (124, 117, 104)
JPEG_END = b'\xff\xd9'
ORIENTATION = 0x0112  # the EXIF tag; the values, to what turns the stored pixels upright
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# `open_image` compares with the limit that the config gives
warnings.filterwarnings('ignore', category=Image.DecompressionBombWarning)


class BadImage(OSError):
    """A file that gives no image; the message has the path, `fault` only what is wrong."""

    fault = ''


def bad_image(path: str, fault: str) -> BadImage:
    """The error for `path`. (Not a constructor: a loader's worker hands on the message alone.)"""
    error = BadImage(f'{path}: {fault}')
    error.fault = fault
    return error


def read_image(path: str, max_pixels: int = MAX_PIXELS, draft: int | None = None) -> np.ndarray:
    """The first frame of an image file, upright, as mmcv has images: uint8 (H, W, 3) in BGR.

    CMYK becomes RGB by Pillow's plain formula, of 16 bits the upper 8 are kept, transparent parts
    are laid on BACKGROUND, and colour profiles are not applied. JPEGs without an EXIF turn are
    decoded by OpenCV, everything else by Pillow: the same pixels, a copy less.

    Args:
        path: a file; its content tells the format, its name does not.
        max_pixels: more than these are not decoded. Pillow itself stops at 178,956,970.
        draft: see `LoadImage`.

    Raises:
        BadImage: there is no file, it is not an image, cut short, too large, or of a kind without
            a known range (32-bit grey).
    """
    try:
        with open_file(path) as file, open_image(file, max_pixels) as image:
            if draft:
                image.draft(None, (draft, draft))
            elif image.format == 'JPEG' and image.mode in ('L', 'RGB') and not turn(image):
                pixels = _decode_jpeg(file)
                if pixels is not None:
                    return pixels
            image.load()
            return _bgr(image)
    except Exception as error:
        raise bad_image(path, fault_of(error, path)) from error


def open_file(path: str) -> BinaryIO:
    """`path` opened for reading; a pipe or device, which might never end, raises an OSError."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError('a folder' if os.path.isdir(path) else 'not a regular file')
    return open(path, 'rb')


def open_image(file: BinaryIO, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The header read, nothing decoded; ValueError when the image has too many pixels."""
    image = Image.open(file, formats=FORMATS)
    if image.width * image.height > max_pixels:
        raise ValueError(
            f'{image.width} x {image.height} = {image.width * image.height:,} pixels, more than '
            f'max_pixels={max_pixels:,}'
        )
    return image


def fault_of(error: Exception, path: str) -> str:
    """What an error of the functions above means for the file at `path`, in words."""
    if isinstance(error, FileNotFoundError):
        link = os.path.islink(path)
        return f'a link to {os.readlink(path)}, which is not there' if link else 'No such file'
    if isinstance(error, Image.UnidentifiedImageError):
        return 'not an image' if os.path.getsize(path) else 'empty file'
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__  # Pillow raises SyntaxError, EOFError, struct.error


def turn(image: Image.Image) -> int:
    """The EXIF orientation, 2 to 8, of an image that is not stored upright, otherwise 0."""
    try:
        value = image.getexif().get(ORIENTATION)
    except Exception:  # a broken EXIF block says nothing
        return 0
    return value if value in UPRIGHT else 0


def is_animated(image: Image.Image) -> bool:
    """Whether frames follow the first (or pages, in TIFF). MPO's are previews and depth maps."""
    return image.format != 'MPO' and getattr(image, 'is_animated', False)


def _decode_jpeg(file: BinaryIO) -> np.ndarray | None:
    """BGR pixels, or None for a file that does not end as JPEGs do: Pillow tells if it is whole."""
    file.seek(0)
    data = file.read()
    if not data.endswith(JPEG_END):
        file.seek(0)
        return None
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags)


def _bgr(image: Image.Image) -> np.ndarray:
    """The pixels of a loaded image of any mode."""
    method = UPRIGHT.get(turn(image))
    if image.mode.startswith('I;16') or (image.mode == 'I' and image.format in ('PNG', 'PPM')):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ('I', 'F'):
        raise ValueError('32-bit grey has no known range; save it with 8 or 16 bits')
    elif image.has_transparency_data:
        image = image.convert('RGBA')
        canvas = Image.new('RGB', image.size, BACKGROUND)
        canvas.paste(image, mask=image.getchannel('A'))
        image = canvas
    image = image.convert('RGB')
    if method is not None:
        image = image.transpose(method)
    pixels = np.frombuffer(bytearray(image.tobytes('raw', 'BGR')), np.uint8)
    return pixels.reshape(image.height, image.width, 3)
