"""Pillow's resize of 8-bit colour images, pixel for pixel, in a third of its time.

Pillow resizes along the rows, rounds to 8 bits, and then along the columns, with weights of 22
bits in integer arithmetic, pixel by pixel. pillow_resize.c does the same sums with the processor's
vector instructions, and computes only the part of the result that is asked for. Where it cannot be
compiled, or does not agree with the installed Pillow, Pillow itself is called.
"""

import ctypes
import functools
from typing import NamedTuple

import numpy as np
import PIL
from mmengine.logging import print_log
from PIL import Image

from .compiled import compiled

FILTERS = {'bilinear': Image.Resampling.BILINEAR, 'bicubic': Image.Resampling.BICUBIC}
SUPPORT = {'bilinear': 1.0, 'bicubic': 2.0}
BITS = 22


class Weights(NamedTuple):
    """For each of n pixels of the result, which of the source's it is made of, and how.

    `bounds` (n, 2) int32: the first one, and how many. `values` (n, taps) int32: the weights times
    2^22, 0 behind the last one. Both are contiguous.
    """

    bounds: np.ndarray
    values: np.ndarray


def resize(
    image: np.ndarray,
    size: tuple[int, int],
    interpolation: str = 'bilinear',
    part: tuple[int, int, int, int] | None = None,
) -> np.ndarray:
    """`Image.fromarray(image).resize(size, ...).crop(part)` as an array, bit for bit.

    Args:
        image: uint8 (H, W, 3), in any order of the channels.
        size: (width, height) of the whole result in pixels.
        interpolation: 'bilinear' or 'bicubic'.
        part: left, top, right and bottom of what is wanted of the result; None: all.

    Returns:
        uint8 (bottom - top, right - left, 3), contiguous.

    Raises:
        ValueError: the size is not positive, or the part not inside.
    """
    left, top, right, bottom = part or (0, 0, *size)
    if not (0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]):
        raise ValueError(f'size {size}, part {part}: expected a positive size and a part inside')
    if image.dtype == np.uint8 and image.shape[2:] == (3,) and _agrees_with_pillow():
        down_first = _column_first(image.shape[1::-1], size)
        return _resize(image, size, interpolation, (left, top, right, bottom), down_first)
    whole = Image.fromarray(image).resize(size, FILTERS[interpolation])
    return np.array(whole.crop(part) if part else whole)


def _resize(image, size, interpolation, part, down_first: bool) -> np.ndarray:
    """The same by pillow_resize.c, columns before rows if `down_first`."""
    if image.strides[1:] != (3, 1) or image.strides[0] < 0:
        image = np.ascontiguousarray(image)
    left, top, right, bottom = part
    x, y = (weights(n, m, interpolation) for n, m in zip(image.shape[1::-1], size))
    out = np.empty((bottom - top) * (right - left) * 3 + 1, np.uint8)
    pointers = [
        *(x.bounds[left:].ctypes.data, x.values[left:].ctypes.data, x.values.shape[1]),
        *(y.bounds[top:].ctypes.data, y.values[top:].ctypes.data, y.values.shape[1]),
    ]
    failed = _library().resize(
        *(image.ctypes.data, image.strides[0], image.shape[1]),
        *(out.ctypes.data, right - left, bottom - top),
        *pointers,
        down_first,
    )
    if failed:
        raise MemoryError(f'no memory to resize {image.shape[1]} x {image.shape[0]} pixels')
    return out[:-1].reshape(bottom - top, right - left, 3)


@functools.lru_cache(maxsize=512)
def weights(source: int, target: int, interpolation: str) -> Weights:
    """Those of Pillow's `precompute_coeffs` for resizing `source` pixels to `target`."""
    scale = source / target
    stretch = max(scale, 1.0)  # a shrunken image averages over more pixels
    support = SUPPORT[interpolation] * stretch
    centre = (np.arange(target) + 0.5) * scale
    first = np.maximum((centre - support + 0.5).astype(np.int64), 0)
    count = np.minimum((centre + support + 0.5).astype(np.int64), source) - first
    place = np.arange(max(int(count.max()), 2))
    distance = (place + first[:, None] - centre[:, None] + 0.5) * (1.0 / stretch)
    values = _filter(np.abs(distance), interpolation) * (place < count[:, None])
    total = sum(values.T)  # one after another, as Pillow rounds
    values = np.where(total[:, None] != 0, values / np.where(total == 0, 1, total)[:, None], values)
    rounded = np.trunc(values * (1 << BITS) + np.copysign(0.5, values)).astype(np.int32)
    return Weights(np.stack([first, count], 1).astype(np.int32), rounded)


def _filter(x: np.ndarray, interpolation: str) -> np.ndarray:
    """The triangle, or Keys' cubic with a = -1/2, at distances x >= 0."""
    if interpolation == 'bilinear':
        return np.where(x < 1, 1 - x, 0.0)
    a = -0.5
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _column_first(source: tuple[int, int], target: tuple[int, int]) -> bool:
    """Whether Pillow resizes along the columns first: since some version, where that is less."""
    lost = [n - m for n, m in zip(source, target)]  # width, height
    return _reorders() and lost[1] > 0 and lost[1] > 2 * lost[0]


@functools.cache
def _library():
    """pillow_resize.c with its argument types declared, or None."""
    library = compiled('pillow_resize')
    if library is not None:
        pointer, number, stride = ctypes.c_void_p, ctypes.c_int, ctypes.c_ssize_t
        axis = [pointer, pointer, number]
        library.resize.argtypes = [
            *(pointer, stride, number, pointer, number, number),
            *(*axis, *axis, number),
        ]
    return library


@functools.cache
def _reorders() -> bool:
    """Whether the installed Pillow takes the columns first in a picture that becomes flatter."""
    return not _equals_pillow((20, 60), (24, 32), down_first=False)


@functools.cache
def _agrees_with_pillow() -> bool:
    """Whether pillow_resize.c is there and gives the installed Pillow's pixels in a few cases."""
    if _library() is None:
        return False
    cases = [((20, 60), (24, 32), _reorders()), ((60, 40), (32, 32), False)]
    agrees = all(_equals_pillow(source, target, first) for source, target, first in cases)
    if not agrees:
        print_log(
            f'pillow_resize.c differs from Pillow {PIL.__version__}, which is used', 'current'
        )
    return agrees


def _equals_pillow(source: tuple[int, int], target: tuple[int, int], down_first: bool) -> bool:
    noise = np.random.RandomState(0).randint(0, 256, (*source[::-1], 3), np.uint8)
    return all(
        np.array_equal(
            _resize(noise, target, name, (0, 0, *target), down_first),
            np.asarray(Image.fromarray(noise).resize(target, how)),
        )
        for name, how in FILTERS.items()
    )
