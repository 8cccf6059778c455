"""Files that are whole or absent, whenever the process or the machine stops."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

TEMPORARY = '.tmp'


@contextmanager
def open_atomically(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file that takes the place of `path` when the block ends without an error.

    It is written under a hidden name beside `path` that no other process uses, and flushed to the
    disk before it is renamed. A link is followed; the mode of a file that is replaced is kept.

    Raises:
        OSError: with `path` as its file name; whatever was at `path` is still there, whole.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f'.{target.name[:200]}.{uuid.uuid4().hex[:12]}{TEMPORARY}')
    try:
        with open(temporary, 'xb') as file:
            yield file
            file.flush()
            with suppress(FileNotFoundError):
                os.fchmod(file.fileno(), target.stat().st_mode)
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename, error.filename2 = str(path), None
        raise
    with suppress(OSError):  # some file systems cannot flush a folder
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_atomically(path: str | Path, data: bytes | memoryview | str) -> None:
    """Write a whole file by :func:`open_atomically`; text is UTF-8."""
    with open_atomically(path) as file:
        file.write(data.encode() if isinstance(data, str) else data)


def refuse_existing(path: str | Path, force: bool = False) -> None:
    """Raise a FileExistsError where `path` is there and may not be overwritten."""
    if os.path.lexists(path) and not force:
        raise FileExistsError(f'{path} exists already; choose another name, or overwrite it with '
                              '--force')  # fmt: skip


def remove_leftovers(folder: str | Path) -> None:
    """Delete what :func:`open_atomically` left in `folder` when its process was killed."""
    for path in Path(folder).glob(f'.*{TEMPORARY}'):
        path.unlink(missing_ok=True)
