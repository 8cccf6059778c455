"""Predictions on disk as they come: see docs/predictions.md for the format."""

import csv
import io
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from mlgcn.apis import MultiLabelInferencer, Prediction

VERSION = 1


class PredictionFile:
    """Writes predictions to `path` (.json or .csv).

    They go to `path` + '.part', which takes its name when all is written; so an older file stays
    until then. After every :meth:`flush` the part is a whole file of its own with what was done by
    then: that is left after a kill.

    Raises:
        ValueError: another ending.
        OSError: the file cannot be written.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        if self.path.suffix not in ('.json', '.csv'):
            raise ValueError(f'{path}: expected a name that ends in .json or .csv')
        if self.path.is_dir():
            raise IsADirectoryError(f'{path} is a folder')
        self.part = self.path.with_name(self.path.name + '.part')
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self.part, 'wb')  # noqa: SIM115
        self._pending: list[bytes] = []
        self._end = 0  # where the list of images ends and what closes the file begins
        self.images = self.failed = 0

    def start(self, inferencer: MultiLabelInferencer) -> None:
        """Write what comes before the first image."""
        if self.path.suffix == '.csv':
            self._pending.append(_csv_line(['image', 'labels', 'error', *inferencer.classes]))
            return
        head = json.dumps(_head(inferencer), ensure_ascii=False)
        self._pending.append((head[:-1] + ',\n"images": [').encode())

    def add(self, prediction: Prediction) -> None:
        """Take one image's prediction."""
        if self.path.suffix == '.csv':
            self._pending.append(_csv_line(_csv_row(prediction)))
        else:
            row = json.dumps(_json_row(prediction), ensure_ascii=False)
            self._pending.append((',\n' if self.images else '\n').encode() + _encoded(row))
        self.images += 1
        self.failed += bool(prediction.error)

    def flush(self, complete: bool = False) -> None:
        """Put what was added on disk, and close the brackets behind it."""
        body, close = b''.join(self._pending), b''
        self._pending.clear()
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

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the whole file its name; leave the part where an error came between."""
        if kind is None:
            self.flush(complete=True)
        self._file.close()
        if kind is None:
            os.replace(self.part, self.path)
        elif not self.images:
            self.part.unlink()


def _head(inferencer: MultiLabelInferencer) -> dict[str, Any]:
    calibration = inferencer.calibration
    return {
        'format': 'mlgcn predictions',
        'version': VERSION,
        'checkpoint': os.path.basename(inferencer.model.path),
        'sha256': inferencer.model.checkpoint.sha256,
        'decision': inferencer.decision,
        'temperature': calibration.temperature,
        'thresholds': calibration.thresholds.tolist() if inferencer.by_threshold else None,
        'top_k': inferencer.top_k,
        'classes': list(inferencer.classes),
    }


def _json_row(prediction: Prediction) -> dict[str, Any]:
    if prediction.error:
        return {'image': prediction.image, 'error': prediction.error}
    labels = [{'class': name, 'probability': round(p, 7)} for name, p in prediction.labels]
    return {
        'image': prediction.image,
        'labels': labels,
        'probabilities': rounded(prediction.probabilities),
    }


def _csv_row(prediction: Prediction) -> list:
    labels = '|'.join(name for name, _ in prediction.labels)
    values = [] if prediction.error else rounded(prediction.probabilities)
    return [prediction.image, labels, prediction.error, *values]


def _csv_line(cells: list) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerow(cells)
    return _encoded(text.getvalue())


def _encoded(text: str) -> bytes:
    """UTF-8; bytes of file names that are none become question marks."""
    return text.encode(errors='replace')


def rounded(values: np.ndarray) -> list[float]:
    """Seven decimals, about float32's precision, without its digits of chance."""
    return np.round(values.astype(np.float64), 7).tolist()
