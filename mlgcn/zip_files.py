"""Zip archives and arrays of strangers: checkpoints, scores files and other .npz, .npy."""

import io
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mlgcn.messages import some

MAX_DIRECTORY = 2**22  # bytes of the list of entries: 40,000 storages of a checkpoint
LARGE = 2**28  # bytes of an array that is mapped


def open_zip(file: BinaryIO, most: int, kind: re.Pattern | None = None) -> zipfile.ZipFile:
    """An archive of which nothing is unpacked yet, and whose entries claim `most` bytes at most.

    Raises:
        ValueError: it is cut short, lists very many entries, has none of a name like `kind`, or
            claims more bytes.
    """
    size = file.seek(0, io.SEEK_END)
    end = zipfile._EndRecData(file)  # private: ZipFile reads the whole list, a million entries too
    if not end:
        raise ValueError(f'cut short: its end is missing (there are {size:,} bytes)')
    if end[zipfile._ECD_SIZE] > MAX_DIRECTORY:
        raise ValueError(f'its list of entries has {end[zipfile._ECD_SIZE]:,} bytes')
    archive = zipfile.ZipFile(file)
    names = archive.namelist()
    if kind is not None and not any(map(kind.search, names)):
        raise ValueError(f'a zip archive of {some(names, 1)!r}')
    claimed = sum(entry.file_size for entry in archive.infolist())
    if claimed > most:
        raise ValueError(f'its entries claim {claimed:,} bytes, but the file has {size:,}')
    return archive


def read_array(path: str | Path, kinds: str, ndim: int) -> np.ndarray:
    """The array of an .npy file, with `ndim` axes and a dtype of `kinds` ('fiu').

    It is mapped: what is written to it stays in memory.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: not a regular file, no .npy, pickled objects, or another array.
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # opening a pipe would wait
            raise ValueError('not a regular file')
        array = np.load(path, mmap_mode='c', allow_pickle=False)
        seen = f'{array.dtype} {array.shape}'
    except FileNotFoundError:
        raise
    except Exception as error:  # a broken header raises nearly anything
        seen = 'text, or pickled objects' if 'pickle' in str(error) else error
        raise ValueError(f'{path}: expected an array of numpy (.npy), seen {seen}') from None
    if array.dtype.kind not in kinds or array.ndim != ndim:
        raise ValueError(f'{path}: expected {ndim} axes and type {" or ".join(kinds)}, seen {seen}')
    return array


def read_arrays(
    path: str | Path, needed: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Arrays of an .npz by name; those that are large and not compressed are mapped.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: not a regular file, no .npz, damaged, with pickled objects, without a `needed`
            array, or one that unpacks to much more than it holds; the message lacks the path.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # opening a pipe would wait
        raise ValueError('not a regular file')
    try:
        with open(path, 'rb') as file:  # scores are compressed to a tenth or so
            open_zip(file, most=50 * os.path.getsize(path) + 2**24)
        with np.load(path, allow_pickle=False) as file:
            names = [*needed, *(name for name in optional if name in file)]
            return {name: _array(path, file, name) for name in names}
    except FileNotFoundError:
        raise
    except (ValueError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(str(error)) from error


def _array(path: str | Path, file: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    entry = file.zip.NameToInfo.get(f'{name}.npy')
    if not entry:
        raise ValueError(f'it has no {name}')
    with file.zip.open(entry) as member:
        if np.lib.format.read_magic(member) != (1, 0):  # of every array that numpy saves
            raise ValueError(f'{name} is not an array of format 1.0')
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(member)
        header = member.tell()
    # numpy reserves what the shape claims before it reads
    if dtype.hasobject or dtype.itemsize * math.prod(shape) != entry.file_size - header:
        raise ValueError(f'{name} of shape {shape} and type {dtype} in {entry.file_size:,} bytes')
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size < LARGE:
        return file[name]
    with open(path, 'rb') as raw:
        raw.seek(entry.header_offset + 26)  # of a zip's local header: lengths of name and extras
        lengths = struct.unpack('<HH', raw.read(4))
    start = entry.header_offset + 30 + sum(lengths) + header
    if start + entry.file_size - header > os.path.getsize(path):
        raise ValueError(f'{name} is cut short')
    return np.memmap(path, dtype, 'c', start, shape, 'F' if fortran else 'C')
