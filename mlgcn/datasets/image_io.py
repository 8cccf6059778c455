"""An image file of any common kind to 8-bit colour; what cannot be, raises an error that says why.

mmcv's readers get plain JPEGs right, and the pixels here are theirs. Beyond them, its `cv2` cuts
alpha off and takes a file that ends early for whole; its `pillow` makes 16-bit grey white, raises
for a broken EXIF block, and lets a file choose any of Pillow's fifty readers (one starts
Ghostscript).
"""

import contextlib
import os
import stat
import warnings
from typing import BinaryIO

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

from .foreign_files import is_raw, what_is
from .image_damage import check_png, check_scans, decode_jpeg, ends_in_zeros, zeros_from

Image.init()
with contextlib.suppress(ImportError):  # an optional reader of the photographs of phones
    from pillow_heif import register_heif_opener

    register_heif_opener()
KNOWN = ('JPEG', 'PNG', 'GIF', 'WEBP', 'BMP', 'DIB', 'TIFF', 'PPM', 'JPEG2000', 'AVIF', 'HEIF')
FORMATS = [name for name in KNOWN if name in Image.OPEN]  # AVIF is missing from older Pillows
ENDINGS = {end for end, kind in Image.registered_extensions().items() if kind in FORMATS}
MAX_PIXELS = Image.MAX_IMAGE_PIXELS  # 89,478,485: where Pillow begins to warn
# Behind transparent parts, RGB: ImageNet's mean, as mmcv has it behind grey with alpha.
BACKGROUND = (124, 117, 104)
# `open_image` compares with the limit that the config gives
warnings.filterwarnings('ignore', category=Image.DecompressionBombWarning)


class BadImage(OSError):
    """A file that gives no image; the message has the path, `fault` only what is wrong."""

    def __init__(self, message: str, fault: str = ''):  # torch's workers hand on the message alone
        super().__init__(message)
        self.fault = fault


def read_image(
    path: str, max_pixels: int = MAX_PIXELS, value_range: tuple[float, float] | None = None
) -> np.ndarray:
    """The first frame of an image file, upright, as mmcv has images: uint8 (H, W, 3) in BGR.

    CMYK becomes RGB by Pillow's plain formula, of 16 bits the upper 8 are kept, transparent parts
    are laid on BACKGROUND, and colour profiles are not applied. JPEGs without an EXIF turn are
    decoded by libjpeg-turbo directly, everything else by Pillow: the same pixels, a copy less.

    Args:
        path: a file; its content tells the format, its name does not.
        max_pixels: more than these are not decoded. Pillow itself stops at 178,956,970.
        value_range: see `LoadImage`.

    Raises:
        BadImage: there is no file, it is not an image, a part of it is missing, it is too large,
            or of a kind without a known range (32-bit grey).
    """
    try:
        with open_file(path) as file, open_image(file, max_pixels) as image:
            if image.info.get('progressive'):
                check_scans(file)
            is_plain = image.format == 'JPEG' and image.mode in ('L', 'RGB')
            if is_plain and orientation(image) == 1:
                return decode_jpeg(file, 'BGR')
            if image.format in ('JPEG', 'MPO'):
                # Pillow passes over most damage; for an eighth of the size all data are read
                decode_jpeg(file, 'CMYK' if image.mode == 'CMYK' else 'GRAY', 1, 1, 8)
            elif image.format in ('WEBP', 'AVIF', 'HEIF', 'JPEG2000') and ends_in_zeros(file):
                raise ValueError('ends in zeros: a part of the file is missing')
            stretched = value_range and is_deep(image)
            stored = image.tile[:1]  # gone when loaded
            image.load()
            if image.format == 'PNG':
                check_png(file, image)
            elif stored and (zeros_from(image, stored[0]) or (0, 0))[1]:
                raise ValueError('zeros from the middle of a row on: a part of the file is missing')
            if stretched:
                image = to_8_bits(deep_pixels(image, file), value_range, orientation(image))
            return bgr(image)
    except Exception as error:
        fault = fault_of(error, path)
        raise BadImage(f'{path}: {fault}', fault) from error


def open_file(path: str) -> BinaryIO:
    """`path` opened for reading; a pipe or device, which might never end, raises an OSError."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError('a folder' if os.path.isdir(path) else 'not a regular file')
    return open(path, 'rb')


def open_image(file: BinaryIO, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The header read, nothing decoded; ValueError when the image has too many pixels."""
    start = file.read(64)
    file.seek(0)
    if is_raw(file.name, start):
        raise Image.UnidentifiedImageError
    image = Image.open(file, formats=FORMATS)
    pixels = image.width * image.height
    if pixels > max_pixels:
        size = f'{image.width} x {image.height} = {pixels:,} pixels'
        raise ValueError(f'{size}, more than max_pixels={max_pixels:,}')
    return image


def fault_of(error: Exception, path: str) -> str:
    """What an error of the functions above means for the file at `path`, in words."""
    if isinstance(error, FileNotFoundError):
        link = os.path.islink(path)
        return f'a link to {os.readlink(path)}, which is not there' if link else 'No such file'
    if isinstance(error, Image.UnidentifiedImageError):
        with open_file(path) as file:
            start = file.read(256)
        kind = what_is(path, start)
        readable = [k for k, name in (('AVIF', 'AVIF'), ('HEIC', 'HEIF')) if name in FORMATS]
        if kind[:4] in readable:
            return f'{kind[:4]}, damaged or cut short'
        return kind or ('not an image' if start else 'empty file')
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # Pillow raises SyntaxError, EOFError, struct.error; libheif's messages end with a line break
    return ' '.join(str(error).split()) or type(error).__name__


def decode_fault(path: str, **options) -> str:
    """Why `read_image(path, **options)` raises; '' when it does not."""
    try:
        read_image(path, **options)
    except BadImage as error:
        return error.fault
    return ''


def ends_in_black(path: str, max_pixels: int = MAX_PIXELS) -> bool:
    """Whether the last rows of a sound, uncompressed image are black: a border, or lost data."""
    with open_file(path) as file, open_image(file, max_pixels) as image:
        stored = image.tile[:1]  # gone when loaded
        if not stored or stored[0][0] != 'raw':
            return False
        image.load()
        return zeros_from(image, stored[0]) is not None


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1, upright, where it is absent or cannot be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # a broken EXIF block says nothing
        return 1
    return value if value in range(1, 9) else 1


def is_deep(image: Image.Image) -> bool:
    """Whether an open image has more than 8 bits a channel."""
    return image.mode.startswith(('I', 'F')) or ';16' in str(image.tile)


def deep_pixels(image: Image.Image, file: BinaryIO) -> np.ndarray:
    """The stored values of an image of which :func:`is_deep`: (H, W), or (H, W, 3) in RGB."""
    if image.mode.startswith(('I', 'F')):
        return np.asarray(image)
    file.seek(0)  # Pillow keeps 8 of 16 bits in colour
    data = np.frombuffer(file.read(), np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    return pixels[..., 2::-1] if pixels.ndim == 3 else pixels


def to_8_bits(values: np.ndarray, value_range: tuple[float, float], turn: int) -> Image.Image:
    """`value_range` stretched to 0 to 255; what lies outside is cut off."""
    low, high = value_range
    scaled = (values.astype(np.float64) - low) * (255 / (high - low))
    image = Image.fromarray(np.rint(scaled.clip(0, 255)).astype(np.uint8))
    image.getexif()[ExifTags.Base.Orientation] = turn
    return image


def is_animated(image: Image.Image) -> bool:
    """Whether frames follow the first (or pages, in TIFF). MPO's are previews and depth maps."""
    return image.format != 'MPO' and getattr(image, 'is_animated', False)


def bgr(image: Image.Image) -> np.ndarray:
    """The pixels of a loaded image of any mode, upright: uint8 (H, W, 3)."""
    turn = orientation(image)
    if image.mode.startswith('I;16') or (image.mode == 'I' and image.format in ('PNG', 'PPM')):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ('I', 'F'):
        advice = 'give LoadImage(value_range=(low, high)), or save it with 8 or 16 bits'
        raise ValueError(f'32-bit grey has no known range; {advice}')
    elif image.has_transparency_data:
        canvas = Image.new('RGBA', image.size, BACKGROUND)
        image = Image.alpha_composite(canvas, image.convert('RGBA'))
    image = image.convert('RGB')
    if turn != 1:
        # Pillow fails to turn images whose other EXIF tags it cannot write again
        image.info.clear()
        image.getexif()[ExifTags.Base.Orientation] = turn
        ImageOps.exif_transpose(image, in_place=True)
    pixels = np.frombuffer(bytearray(image.tobytes('raw', 'BGR')), np.uint8)
    return pixels.reshape(image.height, image.width, 3)
