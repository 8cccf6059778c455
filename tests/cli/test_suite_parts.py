"""Every part of mlgcn benchmark --suite gpu, at toy sizes on the CPU."""

import os
import sys
from types import SimpleNamespace

import pytest
from machine import FORK
from mmengine.registry import init_default_scope

from mlgcn.cli import main, suites
from mlgcn.cli.suite_parts import NO_CARD


def rows_of(part):
    init_default_scope('mmpretrain')
    _, function, options = suites.SUITES['toy'][part]
    return list(function('cpu', **options))


def test_the_neighbours_are_those_of_float64():
    rows = rows_of('kernels')
    assert len({row.case for row in rows}) == 8  # four stages: nodes, and labels
    assert sum(NO_CARD in row.note for row in rows) == 8
    shares = [float(row.note.split(' %')[0]) for row in rows if '%' in row.note]
    assert len(shares) == 8 and min(shares) > 99.9


def test_plain_and_ours_have_the_same_loss(monkeypatch):
    monkeypatch.setitem(suites.SUITES['toy']['GKGNet'][2], 'precisions', ('fp32',))
    rows = rows_of('GKGNet')
    assert [row.form for row in rows] == ['plain', 'ours'] * 2
    plain, ours = (float(row.note.removeprefix('loss ')) for row in rows[2:])
    assert plain == pytest.approx(ours, rel=1e-5)
    assert all(row.seconds > 0 and row.peak_mib > 0 for row in rows)


def test_half_precision_and_a_fused_model_that_is_not_trained(monkeypatch):
    monkeypatch.setitem(suites.SUITES['toy']['ADD-GCN'][2], 'precisions', ('fp16',))
    rows = rows_of('ADD-GCN')
    assert [row.form for row in rows] == ['ours', 'fuse', 'ours']
    assert float(rows[2].note.removeprefix('loss ')) > 0


def test_the_loader_feeds_the_model():
    assert [row.form for row in rows_of('loader')] == [
        'loader alone',
        'step alone',
        'step fed by it',
    ]
    assert [row.note for row in rows_of('SyncBatchNorm')] == [NO_CARD]


class Forked:
    """`subprocess.Popen` of `python -m mlgcn`, in a fork, which has imported all."""

    def __init__(self, command, env, **_):
        assert command[:3] == [sys.executable, '-m', 'mlgcn']
        self.process = FORK.Process(target=self.run, args=(command[2:], env))
        self.process.start()
        self.kill = self.process.kill

    @staticmethod
    def run(words, env):
        os.environ.update(env)
        sys.argv = words
        main()

    def poll(self):
        return self.process.exitcode

    def wait(self):
        self.process.join()
        return self.process.exitcode


@pytest.mark.slow
def test_a_killed_run_is_resumed(monkeypatch):
    stand_in = SimpleNamespace(Popen=Forked, DEVNULL=None)
    monkeypatch.setattr('mlgcn.cli.suite_parts.subprocess', stand_in)
    (row,) = rows_of('resume')
    assert row.note == 'the same bits'
