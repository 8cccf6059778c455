"""Shared by all tests: tests/ on sys.path (for `fill`, `paths`, `tiny`), one thread, commands."""

import io
import signal
import socket
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer
from mmpretrain.visualization import UniversalVisualizer
from yapf.yapflib import yapf_api

sys.path.insert(0, str(Path(__file__).parent))
torch.set_num_threads(1)
# Every run prints its config. Formatting that text takes as long as a tiny run's epochs.
yapf_api.FormatCode = lambda text, **_: (text, True)
# Autograd decides at its first backward pass whether it starts threads, which forbid forking. It
# does so if a device other than the CPU is registered, as torch.export does; so decide now.
torch.zeros(1, requires_grad=True).sum().backward()


class Answer(NamedTuple):
    """What a command left: exit status, output, error output."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of a failure."""
        assert self.status and 'Traceback' not in self.err, self.err
        (line,) = (line for line in self.err.splitlines() if line.startswith('error: '))
        return line


@pytest.fixture(autouse=True)
def forgotten_runs():
    """mmengine hands a run the log of an earlier one of its name and second, and keeps levels."""
    yield
    forget_runs()


def forget_runs(*others):
    for kind in (MMLogger, Visualizer, UniversalVisualizer, *others):
        kind._instance_dict.clear()


@pytest.fixture(scope='session')
def python(tmp_path_factory):
    """A program like `python`, whose `-m mlgcn` and tools/*.py need not import anything."""
    from machine import CLIENT, FORK, serve_commands
    from tiny import ROOT

    folder = tmp_path_factory.mktemp('python')
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / 'socket'))
    listening.listen()
    server = FORK.Process(target=serve_commands, args=(listening,))
    server.start()
    names = dict(python=sys.executable, address=str(folder / 'socket'), tools=f'{ROOT}/tools/')
    (folder / 'python').write_text(CLIENT.format(**names))
    (folder / 'python').chmod(0o755)
    yield folder / 'python'
    server.kill()  # a run of an earlier test may have taken SIGTERM, and a fork keeps that
    server.join()
    listening.close()


@pytest.fixture
def mlgcn(monkeypatch, capsys):
    """Run `mlgcn ARGS` in this process."""
    from mlgcn.checkpoints import safe_load
    from mlgcn.cli import main

    monkeypatch.setattr('logging.raiseExceptions', False)  # handlers of an earlier run's capture
    monkeypatch.setattr(safe_load, '_trusting', False)

    def run(*args, stdin=''):
        monkeypatch.setattr(sys, 'argv', ['mlgcn', *map(str, args)])
        monkeypatch.setattr(sys, 'stdin', io.StringIO(stdin))
        before, status = signal.getsignal(signal.SIGPIPE), 0
        forget_runs(DefaultScope)  # else two commands in one second share loggers, with a warning
        try:
            main()
        except SystemExit as stop:
            status = stop.code
        finally:
            signal.signal(signal.SIGPIPE, before)
        return Answer(status or 0, *capsys.readouterr())

    return run
