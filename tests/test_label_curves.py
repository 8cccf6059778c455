"""The example behind docs/unknown_labels.md: every loss trains, every file is written."""

import importlib.util
import json

import numpy as np
import pytest
import torch
from paths import TESTS

PATH = TESTS.parent / 'docs/examples/label_curves.py'


@pytest.fixture
def curves(monkeypatch):
    spec = importlib.util.spec_from_file_location('label_curves', PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, 'EPOCHS', 3)
    return module


def test_every_loss_trains(curves):
    features, labels = torch.randn(20, 2, 6), np.int8(np.random.RandomState(0).rand(20, 4) < 0.4)
    labels[:, 3], labels[::2] = -1, np.where(labels[::2] == 0, -1, labels[::2])
    for loss in curves.LOSSES.values():
        start, end = (curves.train(features, labels, loss, seed=1) for _ in range(2))
        assert torch.equal(start.weight, end.weight) and end.weight.isfinite().all()


def test_files(curves, tmp_path):
    amounts = dict.fromkeys(curves.LABELS, [50.0, 51.0, 52.0])
    curves.write(tmp_path, dict.fromkeys(curves.LOSSES, amounts))
    assert json.loads((tmp_path / 'label_curves.json').read_text())['EM'] == amounts
    rows = (tmp_path / 'label_curves.md').read_text().splitlines()
    assert len(rows) == 2 + len(curves.LOSSES) and rows[-1].count('51.0 ± 1.0') == len(amounts)
    assert (tmp_path / 'label_curves.png').stat().st_size > 10_000
    page = (TESTS.parent / 'docs/unknown_labels.md').read_text()
    assert all(row in page for row in rows[:2]) and all(f'| {n} |' in page for n in curves.LOSSES)
