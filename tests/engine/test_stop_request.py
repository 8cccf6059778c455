"""Signals and the command that goes on."""

import os
import shlex
import signal
import subprocess
import sys

import pytest
from tiny import ROOT

from mlgcn.engine.stop_request import StopRequest, resume_command


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_the_first_is_noted_and_the_second_ctrl_c_stops(number, capfd):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    request = StopRequest()
    request.listen()
    try:
        assert request.signum == 0
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGTERM)  # a scheduler may repeat it
        assert request.signum == number
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        assert capfd.readouterr().err.count('stopping after this iteration') == 1
    finally:
        request.ignore()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


@pytest.mark.parametrize(
    'typed, expected',
    [
        ('tools/train.py c.py --seed 1', 'tools/train.py c.py --seed 1'),
        ('-m mlgcn train c.py --resume', '-m mlgcn train c.py'),
        ('tools/train.py c.py --resume e.pth --seed 1', 'tools/train.py c.py --seed 1'),
        ('tools/train.py c.py --resume=e.pth', 'tools/train.py c.py'),
    ],
)
def test_resume_command(monkeypatch, typed, expected):
    monkeypatch.delenv('MLGCN_COMMAND', raising=False)
    monkeypatch.setattr(sys, 'orig_argv', ['python', *typed.split()])
    assert resume_command() == f'python {expected} --resume'


@pytest.mark.parametrize(
    'script, arguments, env',
    [
        ('dist_train.sh', ['my config.py', '2', '--seed', '1'], 'PORT=29600'),
        ('slurm_train.sh', ['gpu', 'x', 'c.py'], 'GPUS=16 PORT=29600'),
    ],
)
def test_resume_command_of_a_launcher(monkeypatch, tmp_path, script, arguments, env):
    """The script leaves its own command line in the environment; here it starts `python -c`."""
    (tmp_path / 'srun').write_text('#!/bin/sh\nprintf "%s" "$MLGCN_COMMAND"\n')
    (tmp_path / 'srun').chmod(0o755)
    environment = dict(setting.split('=') for setting in env.split())
    environment['PATH'] = f'{tmp_path}:{os.environ["PATH"]}'
    if script == 'dist_train.sh':
        environment['PYTHON'] = str(tmp_path / 'srun')
        env = f'PYTHON={tmp_path}/srun {env}'
    command = ['bash', f'tools/{script}', *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    monkeypatch.setenv('MLGCN_COMMAND', done.stdout)
    assert shlex.split(resume_command()) == [*env.split(), *command, '--resume']
    monkeypatch.setenv('GROUP_WORLD_SIZE', '2')
    assert 'NODE_RANK' in resume_command()
