"""What a command line means by images: files, folders, globs, a list on stdin."""

import glob
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TextIO

from mlgcn.datasets import foreign_files
from mlgcn.datasets.foreign_files import is_system_file
from mlgcn.datasets.image_io import ENDINGS


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
    """The files in a folder and below it; a folder that several links lead to is entered once."""
    entered = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not is_system_file(name))
        yield from (os.path.join(place, name) for name in sorted(names) if not is_system_file(name))
