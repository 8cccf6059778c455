"""Image files of which a part is missing, although their decoders do not say so."""

import os
import re
import struct
import zlib
from functools import partial
from typing import BinaryIO

import numpy as np
import simplejpeg
from PIL import Image

ADAM7 = (  # the passes of an interlaced PNG: first column and row, steps to the next ones
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
)  # fmt: skip
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the header's colour type
# What libjpeg warns of although all pixels are there; anything else means that some are not. A few
# extraneous bytes are padding of some cameras, many are image data that were not decoded.
HARMLESS = re.compile(
    r'Unknown Adobe|.*unknown JFIF|Inconsistent progression|Invalid SOS parameters'
    r'|Corrupt JPEG data: (bad ICC|([12]?\d|3[0-2]) extraneous)'
)
MARKER = re.compile(rb'\xff([^\x00\xff\xd0-\xd8])')  # of a segment that has a length, or the end
MOST = 0.9  # of a row, in which noise may have some zeros
TAIL = 8  # zeros that end the last row


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
        if not HARMLESS.match(str(warning)):
            raise
        return decode(strict=False)


def check_scans(file: BinaryIO) -> None:
    """ValueError for a progressive JPEG whose scans end before every bit of every coefficient.

    libjpeg takes such a file, cut between two scans, for a whole and blurred one.
    """
    file.seek(0)
    try:
        missing = _missing_bits(file.read())
    except (LookupError, ValueError):  # too short for what it should hold
        raise ValueError('progressive JPEG with a damaged header') from None
    if missing:
        raise ValueError('progressive JPEG whose last scans are missing')


def _missing_bits(data: bytes) -> int:
    """The number of coefficients, of 64 for each component, that lack bits."""
    at, missing = 2, {}
    while (marker := MARKER.search(data, at)) and marker[1] != b'\xd9':
        start = marker.end() + 2
        at = marker.end() + int.from_bytes(data[marker.end() : start], 'big')
        body = data[start:at]
        if marker[1] == b'\xc2':  # SOF2: three bytes for each component
            missing = {body[6 + 3 * i]: [1] * 64 for i in range(body[5])}
        elif marker[1] == b'\xda' and missing:
            first, last, bits = body[1 + 2 * body[0] :]
            for component in body[1 : 1 + 2 * body[0] : 2]:
                missing[component][first : last + 1] = [bits & 15] * (last + 1 - first)
    return sum(map(bool, sum(missing.values(), [])))


def ends_in_zeros(file: BinaryIO) -> bool:
    """Whether the last 256 bytes are zero: what an interrupted copy leaves.

    Compressed data do not end so; for uncompressed pixels see :func:`zeros_from`.
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
    last = image.crop((0, image.height - 1, *image.size))  # black where rows are missing
    while len(head := file.read(8)) == 8:
        chunk, checksum = file.read(int.from_bytes(head[:4], 'big')), file.read(4)
        if head.endswith(b'IHDR'):
            missing = png_bytes(*struct.unpack('>IIBBBBB', chunk))
        elif head.endswith(b'IDAT'):
            if zlib.crc32(chunk, zlib.crc32(b'IDAT')) != int.from_bytes(checksum, 'big'):
                raise ValueError('the checksum of the image data is wrong')
            if missing and (image.info.get('interlace') or not any(last.tobytes())):
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


def zeros_from(image: Image.Image, stored: tuple) -> tuple[int, int] | None:
    """(row, column) from which uncompressed pixels, filled until there, are zero to the end.

    In the middle of a row that is damage; at its start it may be the edge of a black border. What
    lies on a black ground leaves rows partly zero, and a rounded corner several of them: None.

    Args:
        image: loaded.
        stored: Pillow's tile before it was: decoder, box, offset, arguments.
    """
    decoder, *_, arguments = stored
    pixels = np.asarray(image)
    if isinstance(arguments, tuple) and arguments[-1] == -1:
        pixels = pixels[::-1]  # BMP: from the bottom up
    if decoder != 'raw' or pixels[-1, -1].any() or not pixels.any():
        return None
    filled = pixels.any(-1) if pixels.ndim == 3 else pixels != 0
    row = np.flatnonzero(filled.any(1))[-1]
    column = np.flatnonzero(filled[row])[-1] + 1
    is_last, rest = row == len(filled) - 1, image.width - column
    if filled[row, :column].mean() < MOST or is_last and (row == 0 or rest < TAIL):
        return None
    if not rest:
        return (row + 1, 0) if filled[0].any() else None  # black above, too: a border
    above = filled[row - 1]
    return (row, column) if row == 0 or min(above.mean(), above[column:].mean()) > MOST else None
