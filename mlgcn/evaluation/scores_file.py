"""Scores of a data set on disk: everything that the metrics and the pages need, as one .npz."""

import os
import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from mlgcn.atomic_files import open_atomically


@dataclass(frozen=True)
class ScoresFile:
    """Raw logits and labels of N images x K classes; plain arrays, so reading never unpickles."""

    file_names: np.ndarray  # (N,) strings
    class_names: np.ndarray  # (K,) strings
    scores: np.ndarray  # (N, K) float32 logits
    targets: np.ndarray  # (N, K) int8: 1 positive, 0 negative, -1 difficult
    protocol: str  # the one they were scored with
    sha256: str = ''  # the weights' (mlgcn.checkpoints.Checkpoint.sha256); '' where unknown

    def save(self, path: str | Path) -> None:
        """Write a compressed .npz, whole or not at all; missing folders are made."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(path) as file:
            np.savez_compressed(file, **vars(self))

    @classmethod
    def load(cls, path: str | Path) -> 'ScoresFile':
        """Read a file that :meth:`save` wrote; ValueError for another, damaged or pickled one."""
        if not Path(path).is_file():
            raise FileNotFoundError(f'{path}: no such scores file (mlgcn test --out writes one)')
        if not zipfile.is_zipfile(path):
            raise ValueError(f'{path}: not a scores file (.npz), or a truncated one')
        try:
            _check_size(path)
            with np.load(path, allow_pickle=False) as file:
                names = [f.name for f in fields(cls) if f.name != 'sha256' or f.name in file]
                new = cls(*(file[name] for name in names))
        except (KeyError, ValueError, OSError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f'{path}: not a readable scores file: {error.args[0]}') from None
        shape = new.file_names.size, new.class_names.size
        if not new.scores.shape == new.targets.shape == shape:
            raise ValueError(
                f'{path}: {shape[0]} file names and {shape[1]} class names, but scores '
                f'{new.scores.shape} and targets {new.targets.shape}; expected {shape}'
            )
        tables = new.file_names, new.class_names, new.scores, new.targets
        kinds = ''.join(table.dtype.kind for table in tables)
        if kinds not in ('UUfi', 'UUff'):
            raise ValueError(f'{path}: not a scores file: arrays of the types {kinds}')
        return cls(*tables, str(new.protocol), str(new.sha256))


def _check_size(path: str | Path) -> None:
    """Refuse an archive that would unpack to far more than scores do."""
    with zipfile.ZipFile(path) as archive:
        claimed = sum(entry.file_size for entry in archive.infolist())
    if claimed > 50 * os.path.getsize(path) + 2**24:
        raise ValueError(f'{claimed:,} bytes in a file of {os.path.getsize(path):,}')
