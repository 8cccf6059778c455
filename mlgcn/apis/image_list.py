"""What a command line means by images: files, folders, globs, a list on stdin."""

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TextIO

from PIL import Image

from mlgcn.datasets.image_io import FORMATS


class ImageFile(NamedTuple):
    """A file, and its name below the folder that was asked for."""

    path: str
    name: str


def list_images(arguments: Sequence[str]) -> list[ImageFile]:
    """The images of files, folders (with all below them) and globs, in the order of `arguments`.

    Folders are searched for the endings of the formats that `mlgcn.datasets` reads, in the order of
    their names.

    Raises:
        FileNotFoundError: nothing has that name, no file fits a glob, or a folder has no image.
    """
    endings = {end for end, kind in Image.registered_extensions().items() if kind in FORMATS}
    images = []
    for argument in arguments:
        if os.path.isdir(argument):
            found = [
                ImageFile(path, os.path.relpath(path, argument)) for path in _walk(argument)
                if os.path.splitext(path)[1].lower() in endings
            ]  # fmt: skip
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
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (os.path.join(place, name) for name in sorted(names))
