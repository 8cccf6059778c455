"""Scores and labels that arrive image by image, of one process or many."""

from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import BinaryIO

import numpy as np
import torch
from mmengine.dist import broadcast, get_rank, get_world_size

from mlgcn.zip_files import LARGE

from .protocols import ROWS

TYPES = np.float32, np.int8  # of logits and targets
Tables = tuple[np.ndarray, np.ndarray]


class ScoreRows:
    """Logits and targets (K,) of images in the order in which they came, and their `keys`.

    More than 256 MiB of them go into unnamed files, which vanish with the process, and are mapped.

    Args:
        folder: of these files; None: the system's folder for temporary ones (TMPDIR).
    """

    def __init__(self, folder: str | None = None) -> None:
        self.keys: list[tuple] = []
        self.num_classes, self.folder = 0, folder
        self.rows: list[Tables] = []  # those that are not in the files
        self.files: tuple = ()

    def append(self, key: tuple, logits: np.ndarray, targets: np.ndarray) -> None:
        """Add an image: float32 logits and int8 targets (K,), K the same for all."""
        if self.keys and len(logits) != self.num_classes:
            first = f'{self.num_classes} of the images before it'
            raise ValueError(f'{key[-1]}: {len(logits)} scores (classes), but {first}')
        self.keys.append(key)
        self.num_classes = len(logits)
        self.rows.append((logits, targets))
        if len(self.rows) * (logits.nbytes + targets.nbytes) >= LARGE:
            self._write()

    def _write(self) -> None:
        try:
            if not self.files:  # open until the last reference to them goes
                self.files = tuple(TemporaryFile(dir=self.folder) for _ in TYPES)  # noqa: SIM115
            for file, rows in zip(self.files, zip(*self.rows)):
                file.writelines(map(np.ascontiguousarray, rows))
                file.flush()
        except OSError as error:
            error.filename = error.filename or self.folder or 'the temporary folder (TMPDIR)'
            raise
        self.rows = []

    def tables(self) -> Tables:
        """The rows of this process as tables (N, K), which may be mapped files; called once."""
        shape = len(self.keys), self.num_classes
        if not self.files:
            return tuple(np.array([*rows], kind) for rows, kind in zip(zip(*self.rows), TYPES))
        if self.rows:
            self._write()
        return tuple(_mapped(f, kind, 'c', shape) for f, kind in zip(self.files, TYPES))

    def gather(self, places: Sequence[tuple[int, int]], num_classes: int) -> Tables | None:
        """On rank 0 the rows of all processes as tables (N, K), in the order of N `places`.

        All ranks must call it with the same arguments.

        Args:
            places: the (rank, row there) of every image that is wanted.
            num_classes: K, which a process without an image does not know.
        """
        own = self.tables() if self.keys else tuple(np.empty((0, num_classes), t) for t in TYPES)
        is_whole = places == [(0, row) for row in range(len(self.keys))]
        if get_world_size() == 1 and is_whole:
            return own
        gathered = None
        if get_rank() == 0:
            shape = len(places), num_classes
            gathered = tuple(_empty(shape, kind, self.folder) for kind in TYPES)
        for rank in range(get_world_size()):
            its = [(place, row) for place, (owner, row) in enumerate(places) if owner == rank]
            for start in range(0, len(its), ROWS):
                to, rows = map(list, zip(*its[start : start + ROWS]))
                for i, kind in enumerate(TYPES):
                    block = own[i][rows] if rank == get_rank() else None
                    if rank:  # to all: point-to-point messages need another API for each backend
                        block = np.empty((len(rows), num_classes), kind) if block is None else block
                        broadcast(torch.from_numpy(block), src=rank)
                    if gathered:
                        gathered[i][to] = block
        return gathered


def _empty(shape: tuple[int, int], kind: type, folder: str | None) -> np.ndarray:
    """A table in memory, or in an unnamed file where it is large."""
    if shape[0] * shape[1] * np.dtype(kind).itemsize < LARGE:
        return np.empty(shape, kind)
    return _mapped(TemporaryFile(dir=folder), kind, 'w+', shape)


def _mapped(file: BinaryIO, kind: type, mode: str, shape: tuple[int, int]) -> np.memmap:
    with file:  # the mapping keeps it
        return np.memmap(file, kind, mode, 0, shape)
