"""Predictions on disk as they come: see docs/predictions.md for the format."""

import contextlib
import csv
import io
import json
import os
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows: no locks there
    fcntl = None

from mlgcn.apis import Decision, Prediction
from mlgcn.atomic_files import refuse_existing
from mlgcn.checkpoints import Checkpoint


class PredictionFile:
    """Writes predictions to `path` (.json or .csv), as a context manager.

    They go to `path` + '.part', which takes its name when all is written; so an older file stays
    until then. After every :meth:`flush` the part is a whole file of its own with what was done by
    then: that is left after a kill. Raises a ValueError for another ending, an OSError where
    `path` exists (without `force`), cannot be written, or another process writes it.
    """

    def __init__(self, path: str | Path, force: bool = False):
        self.path = Path(path)
        if self.path.suffix not in ('.json', '.csv'):
            raise ValueError(f'{path}: expected a name that ends in .json or .csv')
        if self.path.is_dir():
            raise IsADirectoryError(f'{path} is a folder')
        self.part = self.path.with_name(self.path.name + '.part')
        self.path.parent.mkdir(parents=True, exist_ok=True)
        refuse_existing(self.path, force)
        self._file = _open_alone(self.part)
        self._pending = io.StringIO(newline='')
        self._csv = csv.writer(self._pending, lineterminator='\n')
        self._end = 0  # where the list of images ends and what closes the file begins
        self.images = self.failed = 0

    def start(self, checkpoint: Checkpoint, decision: Decision) -> None:
        """Write what comes before the first image."""
        if self.path.suffix == '.csv':
            self._csv.writerow(['image', 'labels', 'error', *decision.classes])
            return
        thresholds = decision.thresholds
        head = {
            'format': 'mlgcn predictions',
            'version': 1,
            'checkpoint': os.path.basename(checkpoint.path),
            'sha256': checkpoint.sha256,
            'decision': str(decision),
            'temperature': decision.calibration.temperature,
            'thresholds': None if thresholds is None else thresholds.tolist(),
            'top_k': decision.top_k,
            'classes': list(decision.classes),
        }
        self._pending.write(json.dumps(head, ensure_ascii=False)[:-1] + ',\n"images": [')

    def add(self, prediction: Prediction) -> None:
        """Take one image's prediction."""
        row = prediction.to_dict()
        if self.path.suffix == '.csv':
            names = '|'.join(name for name, _ in prediction.labels)
            values = row.get('probabilities', ())
            self._csv.writerow([prediction.image, names, prediction.error, *values])
        else:
            text = json.dumps(row, ensure_ascii=False)
            self._pending.write((',\n' if self.images else '\n') + text)
        self.images += 1
        self.failed += bool(prediction.error)

    def flush(self, complete: bool = False) -> None:
        """Put what was added on disk, and close the brackets behind it."""
        # UTF-8; bytes of file names that are none become question marks
        body, close = self._pending.getvalue().encode(errors='replace'), b''
        self._pending.seek(0)
        self._pending.truncate()
        if self.path.suffix == '.json':
            count = dict(images=self.images, failed=self.failed, complete=complete)
            close = f'\n],\n"summary": {json.dumps(count)}}}\n'.encode()
        self._file.seek(self._end)
        self._file.write(body + close)
        self._file.truncate()
        self._file.flush()
        self._end += len(body)

    def __enter__(self) -> 'PredictionFile':
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        """Give the whole file its name; leave the part where an error came between."""
        try:
            if kind is None:
                self.flush(complete=True)
                os.fsync(self._file.fileno())
                os.replace(self.part, os.path.realpath(self.path))
            elif not self._end:
                self.part.unlink()
        finally:
            with contextlib.suppress(OSError):  # a full disk, again
                self._file.close()  # and with it the lock


def _open_alone(path: Path) -> BinaryIO:
    """An empty file that no other process has opened here."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), 'r+b')
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # its writer may have renamed it between the two lines above
        if os.fstat(file.fileno()).st_ino != path.stat().st_ino:
            raise BlockingIOError
    except OSError:
        file.close()
        raise OSError(f'{path}: another process is writing it') from None
    file.truncate()
    return file
