"""Images as they are given: files, folders, globs, a list on stdin, pixels."""

import glob
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO, TypeAlias

import numpy as np
from PIL import Image
from torch import Tensor

from mlgcn.datasets import foreign_files
from mlgcn.datasets.foreign_files import is_system_file
from mlgcn.datasets.image_io import ENDINGS, bgr

Input: TypeAlias = str | Path | bytes | Image.Image | np.ndarray | Tensor
Inputs: TypeAlias = Input | Iterable[Input]


class ImageFile(NamedTuple):
    """A file, and its name below the folder that was asked for."""

    path: str
    name: str


def list_images(arguments: Sequence[str]) -> list[ImageFile]:
    """The images of files, folders (with all below them) and globs, in the order of `arguments`.

    Folders are searched, through links too, for the endings of image formats, in the order of their
    names; those that cannot be read, such as .heic, are among them, to be named. What else is in a
    folder is counted on stderr, except the files of operating systems.

    Raises:
        FileNotFoundError: nothing has that name, no file fits a glob, or a folder has no image.
    """
    images = []
    for argument in arguments:
        if os.path.isdir(argument):
            found, others = [], Counter()
            for path in _walk(argument):
                ending = os.path.splitext(path)[1].lower()
                if ending in ENDINGS | foreign_files.ENDINGS:
                    found.append(ImageFile(path, os.path.relpath(path, argument)))
                else:
                    others[ending or 'none'] += 1
            if others:
                endings = ', '.join(f'{count} {end}' for end, count in others.most_common(5))
                said = f'{others.total()} files passed over, no images by their ending'
                print(f'{argument}: {said} ({endings})', file=sys.stderr)
            if not found:
                raise FileNotFoundError(
                    f'{argument}: no image in this folder or below it (.jpg, .png, ...)'
                )
        elif os.path.exists(argument):
            found = [ImageFile(argument, os.path.basename(argument))]
        elif glob.has_magic(argument):
            paths = [p for p in sorted(glob.glob(argument, recursive=True)) if os.path.isfile(p)]
            if not paths:
                raise FileNotFoundError(f'{argument}: no file fits')
            found = [ImageFile(path, os.path.basename(path)) for path in paths]
        else:
            raise FileNotFoundError(f'{argument}: no such file or folder')
        images += found
    return images


def read_image_list(lines: Iterable[str] | TextIO | None = None) -> Iterator[ImageFile]:
    """The images whose paths stand in `lines` (stdin), one a line; as they come, unchecked."""
    for line in sys.stdin if lines is None else lines:
        path = line.rstrip('\r\n')
        if path:
            yield ImageFile(path, os.path.basename(path))


def _walk(folder: str) -> Iterator[str]:
    """The files in a folder and below it; a folder that several links lead to is entered once.

    Raises:
        PermissionError: one of them cannot be listed.
    """

    def stop(error: OSError) -> None:
        raise error

    entered = set()
    for place, folders, names in os.walk(folder, onerror=stop, followlinks=True):
        real = os.path.realpath(place)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not is_system_file(name))
        yield from (os.path.join(place, name) for name in sorted(names) if not is_system_file(name))


def as_list(images: Inputs, keep_missing: bool = False) -> list[Input]:
    """One image or several as a list, with the files that folders and globs name.

    Raises:
        FileNotFoundError: see :func:`list_images`; with `keep_missing` an absent file stays.
        ValueError: an open file.
    """
    if hasattr(images, 'read'):  # its lines are no paths
        raise ValueError('images: an open file, expected its path, or its bytes (file.read())')
    several = isinstance(images, Iterable) and not isinstance(images, (str, bytes, os.PathLike))
    if not several or getattr(images, 'ndim', 4) < 4:
        images = [images]
    found = []
    for image in images:
        image = os.fspath(image) if isinstance(image, os.PathLike) else image
        is_name = isinstance(image, str)
        if is_name and (os.path.lexists(image) or glob.has_magic(image) or not keep_missing):
            found += [file.path for file in list_images([image])]
        else:
            found.append(image)
    return found


def as_input(image: Input, number: int, channel_order: str) -> tuple[str, str | bytes | np.ndarray]:
    """(name, path, bytes of a file or BGR pixels) of one image; see `LoadedModel.predict`.

    Raises:
        ValueError: it is nothing of that kind.
    """
    if channel_order not in ('rgb', 'bgr'):
        raise ValueError(f"channel_order is {channel_order!r}, expected 'rgb' or 'bgr'")
    name = f'image {number}'
    if isinstance(image, (str, os.PathLike)):
        return os.fspath(image), os.fspath(image)
    if isinstance(image, (bytes, bytearray, memoryview)):
        return name, bytes(image)
    if isinstance(image, Image.Image):
        return name, bgr(image)  # as a file of it would be read
    expected = 'uint8 of shape (H, W, 3) or (H, W)'
    if isinstance(image, Tensor):
        expected = 'a tensor of uint8 of shape (3, H, W) or (1, H, W)'
        pixels = image.detach().cpu().numpy()
        pixels = np.moveaxis(pixels, 0, -1) if pixels.ndim == 3 else pixels[..., None, None]
    elif isinstance(image, np.ndarray):
        pixels = image[..., None] if image.ndim == 2 else image
    else:
        kinds = 'a path, bytes, a PIL image, an array or a tensor'
        raise ValueError(f'{name} is a {type(image).__name__}, expected {kinds}')
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or not pixels.size:
        raise ValueError(f'{name}: shape {tuple(image.shape)}, expected {expected}')
    if pixels.dtype.kind == 'f':
        low, high = float(pixels.min()), float(pixels.max())
        if not (low >= 0 and high <= 1):  # NaN, too
            raise ValueError(f'{name}: floats from {low:g} to {high:g}, expected 0 to 1, or uint8')
        pixels = np.rint(255 * pixels).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise ValueError(f'{name}: {image.dtype}, expected {expected}, or floats from 0 to 1')
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return name, np.ascontiguousarray(pixels if channel_order == 'bgr' else pixels[..., ::-1])


@contextmanager
def temporary_file(content: bytes) -> Iterator[str]:
    """The path of a file with that content, which every reader takes; removed at the end."""
    with tempfile.TemporaryDirectory(prefix='mlgcn') as folder:
        path = Path(folder, 'image')
        path.write_bytes(content)
        yield str(path)
