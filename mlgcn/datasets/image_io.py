"""An image file of any common kind to 8-bit colour; what cannot be, raises an error that says why.

mmcv's readers get plain JPEGs right, and the pixels here are theirs. Beyond them, its `cv2` cuts
alpha off and takes a file that ends early for whole; its `pillow` makes 16-bit grey white, raises
for a broken EXIF block, and lets a file choose any of Pillow's fifty readers (one starts
Ghostscript).
"""

import contextlib
import os
import re
import stat
import struct
import warnings
import zlib
from functools import partial
from typing import BinaryIO

import cv2
import numpy as np
import simplejpeg
from PIL import ExifTags, Image, ImageOps

from .foreign_files import is_raw, what_is

Image.init()
with contextlib.suppress(ImportError):  # an optional reader of the photographs of phones
    from pillow_heif import register_heif_opener

    register_heif_opener()
KNOWN = ('JPEG', 'PNG', 'GIF', 'WEBP', 'BMP', 'DIB', 'TIFF', 'PPM', 'JPEG2000', 'AVIF', 'HEIF')
FORMATS = [name for name in KNOWN if name in Image.OPEN]  # AVIF is missing from older Pillows
ENDINGS = {end for end, kind in Image.registered_extensions().items() if kind in FORMATS}
ADAM7 = (  # the passes of an interlaced PNG: first column and row, steps to the next ones
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
)  # fmt: skip
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the header's colour type
MAX_PIXELS = Image.MAX_IMAGE_PIXELS  # 89,478,485: where Pillow begins to warn
# Behind transparent parts, RGB: ImageNet's mean, as mmcv has it behind grey with alpha.
BACKGROUND = (124, 117, 104)
# libjpeg's warnings after which pixels are missing; the others are about harmless headers. A few
# extraneous bytes are padding of some cameras, many are image data that were not decoded.
JPEG_DAMAGE = re.compile(
    r'premature end|bad Huffman|instead of RST|bad progression|bad arithmetic|corrupt JPEG data'
    r'(?!: ([12]?\d|3[0-2]) extraneous)',
    re.IGNORECASE,
)
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
            is_plain = image.format == 'JPEG' and image.mode in ('L', 'RGB')
            if is_plain and orientation(image) == 1:
                return decode_jpeg(file, 'BGR')
            if image.format in ('JPEG', 'MPO'):
                # Pillow passes over most damage; for an eighth of the size all data are read
                decode_jpeg(file, 'CMYK' if image.mode == 'CMYK' else 'GRAY', 1, 1, 8)
            elif image.format in ('WEBP', 'AVIF', 'JPEG2000') and ends_in_zeros(file):
                raise ValueError('ends in zeros: a part of the file is missing')
            stretched = value_range and is_deep(image)
            stored = image.tile[:1]  # gone when loaded
            image.load()
            if image.format == 'PNG':
                check_png(file, image)
            elif stored and stops_within_a_row(image, stored[0]):
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
    return str(error) or type(error).__name__  # Pillow raises SyntaxError, EOFError, struct.error


def ends_in_zeros(file: BinaryIO) -> bool:
    """Whether the last 256 bytes are zero: what an interrupted copy leaves.

    Compressed data do not end so; for uncompressed pixels see :func:`stops_within_a_row`.
    """
    length = file.seek(0, os.SEEK_END)
    file.seek(max(length - 256, 0))
    end = file.read()
    file.seek(0)
    return not any(end)


def check_png(file: BinaryIO, image: Image.Image) -> None:
    """ValueError for a loaded PNG whose compressed data are damaged, or have too few rows.

    Pillow leaves rows that are missing black, and does not look at the checksums.
    """
    file.seek(8)
    missing, inflate = 0, zlib.decompressobj()
    while len(head := file.read(8)) == 8:
        chunk, checksum = file.read(int.from_bytes(head[:4], 'big')), file.read(4)
        if head.endswith(b'IHDR'):
            missing = png_bytes(*struct.unpack('>IIBBBBB', chunk))
        elif head.endswith(b'IDAT'):
            if zlib.crc32(chunk, zlib.crc32(b'IDAT')) != int.from_bytes(checksum, 'big'):
                raise ValueError('the checksum of the image data is wrong')
            if missing and (image.info.get('interlace') or not any(last_row(image).tobytes())):
                missing -= len(inflate.decompress(chunk, missing))
            else:
                missing = 0
    if missing:
        raise ValueError('the image data end before the last row')


def png_bytes(
    width: int, height: int, bits: int, colour: int, compression: int, filters: int, interlaced: int
) -> int:
    """The bytes of all rows of a PNG, one filter type before each; arguments as in its header."""
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes]
    pixel = bits * PNG_CHANNELS[colour]
    return sum(rows * (1 + -(-columns * pixel // 8)) for columns, rows in sizes if columns > 0)


def last_row(image: Image.Image) -> Image.Image:
    return image.crop((0, image.height - 1, *image.size))


def stops_within_a_row(image: Image.Image, stored: tuple) -> bool:
    """Whether uncompressed pixels become zero in the middle of a row and stay so.

    A black border begins between rows, and what lies on a black ground leaves its rows partly zero.
    `stored` is Pillow's tile: decoder, box, offset, arguments.
    """
    decoder, *_, arguments = stored
    pixels = np.asarray(image)
    if isinstance(arguments, tuple) and arguments[-1] == -1:
        pixels = pixels[::-1]  # BMP: from the bottom up
    if decoder != 'raw' or pixels[-1].any() or not pixels.any():
        return False
    filled = pixels.any(-1) if pixels.ndim == 3 else pixels != 0
    row = np.flatnonzero(filled.any(1))[-1]
    columns = np.flatnonzero(filled[row])[-1] + 1
    whole = filled[row - 1].mean() > 0.9 and filled[row, :columns].mean() > 0.9
    return columns < image.width and whole


def decode_fault(path: str, **options) -> str:
    """Why `read_image(path, **options)` raises; '' when it does not."""
    try:
        read_image(path, **options)
    except BadImage as error:
        return error.fault
    return ''


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


def decode_jpeg(file: BinaryIO, colours: str, *smallest: int) -> np.ndarray:
    """The pixels of JPEG data, those of OpenCV; ValueError where pixels are missing.

    Args:
        smallest: height and width in pixels and the factor of a reduced decoding.
    """
    file.seek(0)
    decode = partial(simplejpeg.decode_jpeg, file.read(), colours, False, False, *smallest)
    try:
        return decode(strict=True)
    except ValueError as warning:
        if JPEG_DAMAGE.search(str(warning)):
            raise
        return decode(strict=False)


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
