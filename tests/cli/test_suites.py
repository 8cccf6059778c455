"""mlgcn benchmark --suite: what fails is a row, what is written."""

import json
import multiprocessing
import os
import time

import pytest

from mlgcn.cli import suites
from mlgcn.cli.measuring import Row


def breaks(device):
    yield Row('before')
    raise RuntimeError('no kernel image')


def dies(device):
    yield Row('before')
    os._exit(7)


def hangs(device):
    yield Row('before')
    time.sleep(600)


@pytest.mark.slow  # it waits for a limit
def test_parts_that_fail_are_rows(monkeypatch, tmp_path, capsys):
    parts = {'hangs': (3, hangs, {}), 'breaks': (60, breaks, {}), 'dies': (60, dies, {})}
    monkeypatch.setattr(suites, 'SUITES', dict(toy=parts))
    fork = multiprocessing.get_context('fork')  # a new process would not have these parts
    monkeypatch.setattr(suites.multiprocessing, 'get_context', lambda method: fork)
    suites.run_suite('gpu', str(tmp_path), 'cpu')
    rows = json.loads((tmp_path / 'toy.json').read_text())['rows']
    notes = {row['part']: row['note'] for row in rows if row['note']}
    assert len(rows) == 6
    assert 'no kernel image' in notes['breaks'] and '7' in notes['dies'] and '3 s' in notes['hangs']
    assert all(f'| {part} |' in (tmp_path / 'toy.md').read_text() for part in parts)


def test_every_part_has_its_toy():
    functions = {part[1] for part in suites.SUITES['gpu'].values()}
    assert functions == {part[1] for part in suites.SUITES['toy'].values()}
    assert sum(limit for limit, *_ in suites.SUITES['gpu'].values()) <= 480
