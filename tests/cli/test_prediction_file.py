"""Predictions on disk."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest

from mlgcn.apis import Calibration, Decision, Prediction
from mlgcn.cli.prediction_file import PredictionFile

CLASSES = ('cat', 'dög, big')
CHECKPOINT = SimpleNamespace(path='runs/x.pth', sha256='abc')
DECISION = Decision(
    CLASSES, Calibration(1.5, np.float32([0.25, 0.5]), 'calibrated for f1 on 9 images')
)
GOOD = Prediction('a "b".jpg', (('dög, big', 0.75),), np.float32([0.1, 0.75]))
BAD = Prediction('c.jpg', error='empty file')
ODD = Prediction('\udcff.jpg', (), np.float32([0, 0]))  # a file name that is no UTF-8


def test_json_is_whole_after_every_flush(tmp_path):
    path = tmp_path / 'new' / 'out.json'
    with PredictionFile(path) as out:
        out.start(CHECKPOINT, DECISION)
        for number, prediction in enumerate((GOOD, BAD, ODD)):
            out.flush()
            part = json.loads(out.part.read_text())
            summary = dict(images=number, failed=int(number > 1), complete=False)
            assert len(part['images']) == number and part['summary'] == summary
            out.add(prediction)
        assert not path.exists()
    whole = json.loads(path.read_text())
    assert not out.part.exists()
    assert whole['summary'] == dict(images=3, failed=1, complete=True)
    assert whole['format'] == 'mlgcn predictions' and whole['version'] == 1
    assert whole['classes'] == list(CLASSES) and whole['thresholds'] == [0.25, 0.5]
    assert whole['temperature'] == 1.5 and whole['decision'] == str(DECISION)
    assert whole['checkpoint'] == 'x.pth' and whole['sha256'] == 'abc'
    assert whole['images'] == [
        {
            'image': 'a "b".jpg',
            'labels': [{'class': 'dög, big', 'probability': 0.75}],
            'probabilities': [0.1, 0.75],
        },
        {'image': 'c.jpg', 'error': 'empty file'},
        {'image': '?.jpg', 'labels': [], 'probabilities': [0.0, 0.0]},
    ]


def test_csv(tmp_path):
    path = tmp_path / 'out.csv'
    with PredictionFile(path) as out:
        out.start(CHECKPOINT, DECISION)
        for prediction in (GOOD, BAD, ODD):
            out.add(prediction)
            out.flush()
    rows = list(csv.DictReader(path.open(newline='')))
    assert rows[0] == {
        'image': 'a "b".jpg',
        'labels': 'dög, big',
        'error': '',
        'cat': '0.1',
        'dög, big': '0.75',
    }
    assert rows[1]['error'] == 'empty file' and rows[1]['cat'] is None


def test_an_older_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / 'out.json'
    path.write_text('older')
    with pytest.raises(FileExistsError, match='out.json exists already.*--force'):
        PredictionFile(path)
    with pytest.raises(KeyboardInterrupt), PredictionFile(path, force=True) as out:
        out.start(CHECKPOINT, DECISION)
        out.add(GOOD)
        out.flush()
        raise KeyboardInterrupt
    assert path.read_text() == 'older'
    assert len(json.loads(out.part.read_text())['images']) == 1


def test_wrong_places(tmp_path):
    with pytest.raises(ValueError, match='ends in .json or .csv'):
        PredictionFile(tmp_path / 'out.txt')
    (tmp_path / 'folder.json').mkdir()
    with pytest.raises(IsADirectoryError):
        PredictionFile(tmp_path / 'folder.json')
    (tmp_path / 'file').touch()
    with pytest.raises(OSError):
        PredictionFile(tmp_path / 'file' / 'out.json')
    with pytest.raises(ZeroDivisionError), PredictionFile(tmp_path / 'none.json') as out:
        out.start(CHECKPOINT, DECISION)
        raise ZeroDivisionError
    assert not list(tmp_path.glob('none*'))


def test_one_writer_at_a_time(tmp_path):
    """Two processes would write into each other's file."""
    path = tmp_path / 'out.json'
    with PredictionFile(path) as out:
        out.start(CHECKPOINT, DECISION)
        with pytest.raises(OSError, match='out.json.part: another process is writing it'):
            PredictionFile(path)
        out.add(GOOD)
    assert json.loads(path.read_text())['summary'] == dict(images=1, failed=0, complete=True)
