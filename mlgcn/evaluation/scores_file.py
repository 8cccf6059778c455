"""Scores of a data set on disk: everything that the metrics and the pages need, as one .npz."""

from collections import Counter
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

import numpy as np

from mlgcn import zip_files
from mlgcn.atomic_files import open_atomically
from mlgcn.messages import some


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
        save = np.savez_compressed if self.scores.nbytes < zip_files.LARGE else np.savez
        with open_atomically(path) as file:
            save(file, **vars(self))

    @classmethod
    def load(cls, path: str | Path) -> 'ScoresFile':
        """Read a file that :meth:`save` wrote; ValueError for another, damaged or pickled one."""
        names = [
            [f.name for f in fields(cls) if (f.default is MISSING) is need]
            for need in (True, False)
        ]
        try:
            new = cls(**zip_files.read_arrays(path, *names))
        except FileNotFoundError:
            hint = 'no such scores file (mlgcn test --out writes one)'
            raise FileNotFoundError(f'{path}: {hint}') from None
        except ValueError as error:
            told = 'not a scores file (.npz), or a damaged one'
            raise ValueError(f'{path}: {told}: {error}') from None
        shape = new.file_names.size, new.class_names.size
        if not new.scores.shape == new.targets.shape == shape:
            seen = f'scores {new.scores.shape} and targets {new.targets.shape}'
            told = f'{shape[0]} file names and {shape[1]} class names, but {seen}'
            raise ValueError(f'{path}: {told}; expected {shape}')
        cut = np.asarray(new.temperature), np.asarray(new.thresholds)
        tables = new.file_names, new.class_names, new.scores, new.targets
        kinds = ''.join(table.dtype.kind for table in (*tables, *cut))
        if kinds not in ('UUfiff', 'UUffff'):
            raise ValueError(f'{path}: not a scores file: arrays of the types {kinds}')
        counts = Counter(new.class_names.tolist())
        if len(counts) < shape[1]:
            twice = some(repr(name) for name, count in counts.items() if count > 1)
            raise ValueError(f'{path}: classes that occur more than once: {twice}')
        if cut[0].shape or not cut[0] > 0 or cut[1].shape not in ((0,), shape[1:]):
            seen = f'temperature {cut[0]} and thresholds {cut[1].shape}'
            raise ValueError(f'{path}: {seen}; expected a number above 0 and {shape[1:]} or none')
        return cls(*tables, str(new.protocol), str(new.sha256), float(cut[0]), cut[1])
