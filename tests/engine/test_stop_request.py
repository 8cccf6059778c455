"""Signals and the command that goes on."""

import os
import signal
import sys

import pytest

from mlgcn.engine.stop_request import STARTED_WITH, StopRequest, resume_command


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


ALONE = 'python -u tools/train.py'
DIST = 'PORT=29600 bash tools/dist_train.sh'


@pytest.mark.parametrize(
    'typed, env, expected',
    [
        ('c.py --seed 1', {}, f'{ALONE} c.py --seed 1 --resume'),
        ('c.py --resume', {}, f'{ALONE} c.py --resume'),
        ('c.py --resume e.pth --seed 1', {}, f'{ALONE} c.py --seed 1 --resume'),
        ('c.py --resume=e.pth', {}, f'{ALONE} c.py --resume'),
        (
            'c.py --seed 1 --launcher pytorch',
            dict(LOCAL_WORLD_SIZE='2', PORT='29600'),
            f'{DIST} c.py 2 --seed 1 --resume',
        ),
        (
            'c.py --launcher pytorch',
            dict(LOCAL_WORLD_SIZE='8', NNODES='2', GROUP_WORLD_SIZE='2'),
            'NNODES=2 bash tools/dist_train.sh c.py 8 --resume '
            '(on every machine, NODE_RANK and MASTER_ADDR as before)',
        ),
        (
            'c.py --launcher slurm',
            dict(SLURM_NTASKS='16', SLURM_JOB_PARTITION='gpu', SLURM_JOB_NAME='x'),
            'GPUS=16 bash tools/slurm_train.sh gpu x c.py --resume',
        ),
    ],
)
def test_resume_command(monkeypatch, typed, env, expected):
    for key in STARTED_WITH:
        monkeypatch.delenv(key, raising=False)
    for key, value in env.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', *typed.split()])
    monkeypatch.setattr(sys, 'orig_argv', ['python', '-u', 'tools/train.py', *typed.split()])
    assert resume_command() == expected
