"""Scores of a data set on disk: everything that the metrics and the pages need, as one .npz."""

import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class ScoresFile:
    """Raw logits and labels of N images x K classes; plain arrays, so reading never unpickles.

    `file_names` (N,) and `class_names` (K,) are strings, `scores` (N, K) float32 logits, `targets`
    (N, K) int8 with 1 positive, 0 negative, -1 difficult, `protocol` the one they were scored with.
    """

    file_names: np.ndarray
    class_names: np.ndarray
    scores: np.ndarray
    targets: np.ndarray
    protocol: str

    def save(self, path: str | Path) -> None:
        """Write a compressed .npz; missing folders are made."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **vars(self))

    @classmethod
    def load(cls, path: str | Path) -> 'ScoresFile':
        """Read a file that :meth:`save` wrote; ValueError for another, damaged or pickled one."""
        if not Path(path).is_file():
            raise FileNotFoundError(f'{path}: no such scores file (mlgcn test --out writes one)')
        if not zipfile.is_zipfile(path):
            raise ValueError(f'{path}: not a scores file (.npz), or a truncated one')
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {field.name: file[field.name] for field in fields(cls)}
        except (KeyError, ValueError, OSError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f'{path}: not a readable scores file: {error.args[0]}') from None
        shapes = [arrays[name].shape for name in ('scores', 'targets')]
        n, k = arrays['file_names'].size, arrays['class_names'].size
        if shapes != [(n, k), (n, k)]:
            raise ValueError(
                f'{path}: {n} file names and {k} class names, but scores {shapes[0]} and targets '
                f'{shapes[1]}; expected ({n}, {k})'
            )
        return cls(**{**arrays, 'protocol': str(arrays['protocol'])})
