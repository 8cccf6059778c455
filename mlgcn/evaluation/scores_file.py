"""Scores of a data set on disk: everything that the metrics and the pages need, as one .npz."""

import math
import os
import struct
import zipfile
import zlib
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

import numpy as np

from mlgcn.atomic_files import open_atomically
from mlgcn.zip_files import open_zip

LARGE = 2**28  # bytes of a table that is mapped


@dataclass(frozen=True)
class ScoresFile:
    """Raw logits and labels of N images x K classes; plain arrays, so reading never unpickles."""

    file_names: np.ndarray  # (N,) strings
    class_names: np.ndarray  # (K,) strings
    scores: np.ndarray  # (N, K) float32 logits
    targets: np.ndarray  # (N, K) int8: 1 positive, 0 negative, -1 difficult
    protocol: str  # the one they were scored with
    sha256: str = ''  # the weights' (mlgcn.checkpoints.Checkpoint.sha256); '' where unknown
    temperature: float = 1.0  # this and the next: the checkpoint's calibration
    thresholds: np.ndarray | tuple = ()  # (K,) probabilities; empty without a calibration

    def save(self, path: str | Path) -> None:
        """Write an .npz, whole or not at all; missing folders are made.

        Large tables are not compressed, so that :meth:`load` maps them instead of reading them.
        """
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        save = np.savez_compressed if self.scores.nbytes < LARGE else np.savez
        with open_atomically(path) as file:
            save(file, **vars(self))

    @classmethod
    def load(cls, path: str | Path) -> 'ScoresFile':
        """Read a file that :meth:`save` wrote; ValueError for another, damaged or pickled one."""
        if not os.path.exists(path):
            raise FileNotFoundError(f'{path}: no such scores file (mlgcn test --out writes one)')
        if not os.path.isfile(path):  # opening a pipe would wait for its other end
            raise ValueError(f'{path}: not a scores file (.npz): not a regular file')
        try:
            with open(path, 'rb') as file:  # scores are compressed to a tenth or so
                open_zip(file, most=50 * os.path.getsize(path) + 2**24)
            with np.load(path, allow_pickle=False) as file:
                names = [f.name for f in fields(cls) if f.default is MISSING or f.name in file]
                new = cls(**{name: _table(path, file, name) for name in names})
        except (KeyError, ValueError, OSError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(
                f'{path}: not a scores file (.npz), or a damaged one: {error.args[0]}'
            ) from None
        shape = new.file_names.size, new.class_names.size
        if not new.scores.shape == new.targets.shape == shape:
            raise ValueError(
                f'{path}: {shape[0]} file names and {shape[1]} class names, but scores '
                f'{new.scores.shape} and targets {new.targets.shape}; expected {shape}'
            )
        cut = np.asarray(new.temperature), np.asarray(new.thresholds)
        tables = new.file_names, new.class_names, new.scores, new.targets
        kinds = ''.join(table.dtype.kind for table in (*tables, *cut))
        if kinds not in ('UUfiff', 'UUffff'):
            raise ValueError(f'{path}: not a scores file: arrays of the types {kinds}')
        if cut[0].shape or not cut[0] > 0 or cut[1].shape not in ((0,), shape[1:]):
            raise ValueError(
                f'{path}: temperature {cut[0]} and thresholds {cut[1].shape}; expected a number '
                f'above 0 and {shape[1:]} or none'
            )
        return cls(*tables, str(new.protocol), str(new.sha256), float(cut[0]), cut[1])


def _table(path: str | Path, file: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    """An array of an .npz; a large one that is not compressed stays on the disk, mapped."""
    entry = file.zip.NameToInfo.get(f'{name}.npy')
    if not entry:
        raise KeyError(f'it has no {name}')
    with file.zip.open(entry) as member:
        if np.lib.format.read_magic(member) != (1, 0):  # of every table that `save` writes
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
