"""What the scripts for several processes start, and what they say when it fails."""

import os
import signal
import socket
import stat
import subprocess
import sys
from types import SimpleNamespace

import pytest
from machine import FORK, free_port, write_to
from tiny import ROOT

from mlgcn.cli import launch

NAMES = ('NNODES', 'NODE_RANK', 'MASTER_ADDR', 'PORT', 'MAX_RESTARTS', 'RDZV_ID')
COMMAND = ['tools/train.py', 'config.py']


@pytest.mark.parametrize('env, options', [
    ({}, ['--nnodes=1', '--node-rank=0', '--master-addr=127.0.0.1', '--master-port=29500']),
    ({'NNODES': '4', 'NODE_RANK': '3', 'MASTER_ADDR': 'first', 'PORT': '7'},
     ['--nnodes=4', '--node-rank=3', '--master-addr=first', '--master-port=7']),
    ({'MAX_RESTARTS': '2'},
     ['--nnodes=1', '--max-restarts=2', '--rdzv-backend=c10d', '--rdzv-endpoint=localhost:0']),
    ({'NNODES': '2:4', 'MASTER_ADDR': 'first', 'PORT': '7', 'RDZV_ID': 'my'},
     ['--nnodes=2:4', '--rdzv-backend=c10d', '--rdzv-endpoint=first:7', '--rdzv-id=my']),
])  # fmt: skip
def test_machines_and_restarts(monkeypatch, env, options):
    monkeypatch.delenv('TORCH_DISABLE_SHARE_RDZV_TCP_STORE', raising=False)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    given = launch.rendezvous()
    assert set(options) <= set(given)
    assert ('--rdzv-backend=c10d' in given) == (
        os.environ.pop('TORCH_DISABLE_SHARE_RDZV_TCP_STORE', None) == '1'
    )


def failure(exitcode, **data):
    return SimpleNamespace(
        exitcode=exitcode,
        pid=70,
        signal_name=lambda: signal.Signals(-exitcode).name,
        error_file_data={'message': '<NONE>', **data},
    )


def recorded(timestamp, message, caused_by_peer=False):
    """What `mlgcn.engine.launch.record_failure` leaves."""
    data = dict(timestamp=timestamp, message=message, caused_by_peer=caused_by_peer)
    return failure(1, **data)


@pytest.mark.parametrize('failures, status, words', [
    ({0: failure(1, message='lost'), 1: failure(-9), 2: failure(-15)}, 137,
     'error: killed: process 1 (pid 70) by SIGKILL'),
    ({0: failure(-15), 1: recorded(9, 'error: a'), 2: recorded(8, 'error: b')}, 1, 'error: b'),
    ({0: recorded(8, 'error: lost', True), 1: recorded(9, 'error: bad label')}, 1,
     'error: bad label'),
    ({3: recorded(8, 'error: process 3: lost', True), 4: failure(-15)}, 1,
     'error: process 3: lost'),
    ({1: failure(7)}, 7, 'error: process 1: ended with status 7'),
])  # fmt: skip
def test_the_first_failure_is_printed(failures, status, words):
    printed, code = launch.first_failure(failures, COMMAND)
    assert code == status
    assert printed.startswith(words)
    assert ('--resume' in printed) == ('SIGKILL' in printed)


@pytest.mark.slow
def test_a_taken_port_is_named():
    port = free_port()
    with socket.socket() as other:
        other.bind(('0.0.0.0', int(port)))
        other.listen()
        done = start('dist_train.sh', 'config.py', '1', PORT=port)
    assert done.returncode == 2
    assert done.stderr.count('\n') == 1
    assert f'port {port} is taken' in done.stderr and f'PORT={int(port) + 1}' in done.stderr


@pytest.mark.parametrize('gpus, env, words', [
    ('two', {}, "GPUS is 'two'"),
    ('2', {'PORT': '70000'}, "'127.0.0.1:70000' must be an integer between 0 and 65536"),
    ('2', {'NNODES': 'many'}, "'many'"),
    ('2', {'MAX_RESTARTS': 'x'}, "invalid int value: 'x'"),
])  # fmt: skip
def test_wrong_numbers(tmp_path, gpus, env, words):
    process = FORK.Process(target=launched, args=(tmp_path / 'log', gpus, env))
    process.start()
    process.join(200)
    text = (tmp_path / 'log').read_text()
    assert process.exitcode == 2 and words in text and 'Traceback' not in text


def launched(log, gpus, env):
    """The body of a process: the launcher changes its environment and log."""
    write_to(log)
    os.environ.update(env)
    message, status = launch.launch(gpus, COMMAND)
    print(message)
    sys.exit(status)


def start(script, *args, **env):
    return subprocess.run(
        ['bash', f'tools/{script}', *args],
        cwd=ROOT,
        env={**os.environ, 'PYTHON': sys.executable, **env},
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.mark.parametrize('script, args', [
    ('slurm_train.sh', ['config.py', '--resume']),
    ('slurm_test.sh', ['config.py', 'c.pth', '--metrics', 'mAP']),
])  # fmt: skip
def test_slurm(tmp_path, script, args):
    """A stand-in for srun shows what would be started on how many machines."""
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\necho "$MASTER_PORT" "$@"\n')
    srun.chmod(srun.stat().st_mode | stat.S_IXUSR)
    path = f'{tmp_path}:{os.environ["PATH"]}'
    done = start(script, 'gpu', 'job', *args, PATH=path, GPUS='16', PORT='123')
    assert done.returncode == 0, done.stderr
    for words in (
        '123 -p gpu --job-name=job --gres=gpu:8 --ntasks=16 --ntasks-per-node=8',
        '--kill-on-bad-exit=1',
        ' '.join([f'tools/{script[6:-3]}.py', *args, '--launcher slurm']),
    ):
        assert words in done.stdout
    ports = {start(script, 'gpu', 'job', *args, PATH=path).stdout.split()[0] for _ in range(3)}
    assert len(ports) > 1 and all(20000 <= int(port) < 40000 for port in ports)


@pytest.mark.parametrize('script', sorted(p.name for p in (ROOT / 'tools').glob('*_t*.sh')))
def test_scripts_are_bash_and_say_how_to_use_them(script):
    subprocess.run(['bash', '-n', ROOT / 'tools' / script], check=True)
    done = start(script)
    assert done.returncode == 2 and done.stderr.startswith('usage: ')
