"""Scores of a data set on disk: everything that the metrics and the pages need, as one .npz."""

import io
import os
import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from mlgcn.atomic_files import write_atomically


@dataclass(frozen=True)
class ScoresFile:
    """Raw logits and labels of N images x K classes; plain arrays, so reading never unpickles.

    `file_names` (N,) and `class_names` (K,) are strings, `scores` (N, K) float32 logits, `targets`
    (N, K) int8 with 1 positive, 0 negative, -1 difficult, `protocol` the one they were scored with,
    `sha256` the weights' (:attr:`mlgcn.checkpoints.Checkpoint.sha256`; '' where unknown).
    """

    file_names: np.ndarray
    class_names: np.ndarray
    scores: np.ndarray
    targets: np.ndarray
    protocol: str
    sha256: str = ''

    def save(self, path: str | Path) -> None:
        """Write a compressed .npz, whole or not at all; missing folders are made."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **vars(self))
        write_atomically(path, buffer.getbuffer())

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
                arrays = {name: file[name] for name in names}
        except (KeyError, ValueError, OSError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f'{path}: not a readable scores file: {error.args[0]}') from None
        shapes = [arrays[name].shape for name in ('scores', 'targets')]
        n, k = arrays['file_names'].size, arrays['class_names'].size
        if shapes != [(n, k), (n, k)]:
            raise ValueError(
                f'{path}: {n} file names and {k} class names, but scores {shapes[0]} and targets '
                f'{shapes[1]}; expected ({n}, {k})'
            )
        kinds = ''.join(array.dtype.kind for array in list(arrays.values())[:4])
        if kinds not in ('UUfi', 'UUff'):
            raise ValueError(f'{path}: not a scores file: arrays of the types {kinds}')
        texts = {name: str(arrays[name]) for name in arrays if name in ('protocol', 'sha256')}
        return cls(**{**arrays, **texts})


def _check_size(path: str | Path) -> None:
    """Refuse an archive that would unpack to far more than scores do."""
    with zipfile.ZipFile(path) as archive:
        claimed = sum(entry.file_size for entry in archive.infolist())
    if claimed > 50 * os.path.getsize(path) + 2**24:
        raise ValueError(f'{claimed:,} bytes in a file of {os.path.getsize(path):,}')
