"""Files that are whole or absent, whenever the process or the machine stops."""

import io
import os
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

TEMPORARY = '.tmp'
upstream = import_module('mmengine.runner.checkpoint')
upstream_save = upstream.save_checkpoint


def write_atomically(path: str | Path, data: bytes | memoryview) -> None:
    """Write `data` under a hidden name beside `path`, flush it to the disk, then rename it.

    Raises:
        OSError: with `path` as its file name; whatever was at `path` is still there, whole.
    """
    path = Path(path)
    temporary = path.with_name(f'.{path.name}{TEMPORARY}')
    try:
        with open(temporary, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        error.filename = error.filename or str(path)
        raise
    with suppress(OSError):  # some file systems cannot flush a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def remove_leftovers(folder: str | Path) -> None:
    """Delete what :func:`write_atomically` left in `folder` when it was killed."""
    for path in Path(folder).glob(f'.*{TEMPORARY}'):
        path.unlink(missing_ok=True)


def save_checkpoint(
    checkpoint: Any,
    filename: str,
    file_client_args: dict | None = None,
    backend_args: dict | None = None,
) -> None:
    """Upstream's function of this name, atomic where `filename` is a plain path."""
    if file_client_args is not None or backend_args is not None or '://' in str(filename):
        upstream_save(checkpoint, filename, file_client_args, backend_args)
        return
    Path(filename).parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    write_atomically(filename, buffer.getbuffer())
