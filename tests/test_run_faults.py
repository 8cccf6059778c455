"""Faults of the machine in real runs: one line, no process left, the last checkpoint is good."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from machine import errors, free_port, run_tool
from tiny import ROOT, make_photos, write_config

from mlgcn.engine.resume import load_whole
from mlgcn.engine.work_dir import claim

pytestmark = pytest.mark.slow
HARM = """
custom_imports = dict(imports=['mlgcn', 'machine'])
custom_hooks = [{}]
model['head']['node_channels'] = 8
"""


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp('faults') / 'photos')


@pytest.fixture
def config(tmp_path, photos):
    """A config whose run comes to harm: two epochs of six iterations (one process)."""

    def write(*harms):
        hooks = ', '.join(f"dict(type='Harm', {harm})" for harm in harms)
        return write_config(tmp_path, photos, extra=HARM.format(hooks))

    return write


def harmless(path):
    """Nothing happens from here on."""
    path.write_text(path.read_text().replace('at=', 'at=100'))


def mounted(point, size, *command):
    """`command`, run where a small disk lies at `point` (for this command alone)."""
    if subprocess.run(['unshare', '-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).returncode:
        pytest.skip('no right to mount')
    script = f'mount -t tmpfs -o size={size} tmpfs "$0" && exec "$@"'
    return subprocess.run(
        [str(part) for part in ('unshare', '-m', 'sh', '-c', script, point, *command)],
        cwd=ROOT,
        env={**os.environ, 'PYTHONPATH': str(ROOT / 'tests'), 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        timeout=200,
    )


def dist_train(config, ranks, work, *args, **env):
    """`dist_train.sh` as a process, its output in WORK.log."""
    work.with_suffix('.log').touch()
    command = ['bash', 'tools/dist_train.sh', config, ranks, '--work-dir', work, '--seed', 1, *args]
    env = {'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable, 'PORT': free_port(), **env}
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, 'PYTHONPATH': str(ROOT / 'tests'), **env},
        stdout=open(work.with_suffix('.log'), 'w'),
        stderr=subprocess.STDOUT,
    )


@contextmanager
def ended(process):
    """Whatever happens inside, the launcher does not outlive the test."""
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=100)


def members(work):
    """Pids of the processes whose command line names the work dir, the launcher left out."""
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            words = (folder / 'cmdline').read_bytes().split(b'\0')
        except OSError:
            continue
        if str(work).encode() in words and not any(b'dist_' in word for word in words):
            found.append(int(folder.name))
    return sorted(found)


def wait_for(condition, seconds=200):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'waited too long'
        time.sleep(0.1)


def test_two_of_three_processes_killed(tmp_path, config):
    """All end within a minute (time-out: 1800 s), none is left, and a run of one goes on."""
    path, work = config("kind='wait', at=4"), tmp_path / 'run'
    options = ['--cfg-options', 'train_dataloader.batch_size=2', 'train_dataloader.num_workers=1']
    with ended(dist_train(path, 3, work, *options)) as launcher:
        wait_for(lambda: (work / 'last_checkpoint').exists() or launcher.poll() is not None)
        ranks = [pid for pid in members(work) if os.getpgid(pid) == pid]
        assert len(ranks) == 3
        for pid in ranks[1:]:
            os.kill(pid, signal.SIGKILL)
        assert launcher.wait(timeout=60) == 128 + signal.SIGKILL
    wait_for(lambda: not members(work), seconds=60)  # data loaders look for their parent every 5 s
    (line,) = errors(work.with_suffix('.log').read_text())
    assert f'(pid {ranks[1]}) by SIGKILL' in line or f'(pid {ranks[2]}) by SIGKILL' in line
    assert '--resume' in line
    load_whole(work / 'epoch_1.pth')

    harmless(path)
    ((status, text),) = run_tool(tmp_path, 'train', path, '--work-dir', work, '--resume')
    assert status == 0, text[-2000:]
    assert 'of 3 processes' in text and 'beginning of epoch 2' in text
    assert (work / 'epoch_2.pth').exists()


def test_processes_start_again_and_the_first_failure_is_reported(tmp_path, config):
    """A killed process costs one restart, which resumes; then a wrong label ends the run."""
    harms = "kind='kill_once', rank=1, at=4", "kind='wrong_label', rank=1, at=5"
    work = tmp_path / 'run'
    with ended(dist_train(config(*harms), 2, work, '--verbose', MAX_RESTARTS='1')) as launcher:
        assert launcher.wait(timeout=400) == 2
    text = work.with_suffix('.log').read_text()
    assert 'resumed epoch: 1, iter: 3' in text and text.count('Epoch(train) [1][3/3]') == 1
    assert errors(text) == ['error: process 1: photo 7.jpg: wrong label']
    assert not members(work)
    load_whole(work / 'epoch_1.pth')


def test_disk_full(tmp_path, config):
    path, work = config("kind='disk_full', at=7"), tmp_path / 'run'
    ((status, text),) = run_tool(tmp_path, 'train', path, '--work-dir', work, '--seed', 1)
    assert status == 1
    (line,) = errors(text)
    assert 'ulimit -f' in line and 'make room' in line and '--resume' in line
    assert line == text.strip().splitlines()[-1]
    assert [p.name for p in work.glob('epoch_*')] == ['epoch_1.pth']
    load_whole(work / 'epoch_1.pth')
    harmless(path)
    ((status, text),) = run_tool(tmp_path, 'train', path, '--work-dir', work, '--resume')
    assert status == 0, text[-2000:]


def test_a_disk_that_is_too_small(tmp_path, config):
    """1.5 MB: refused before training, with figures."""
    train = (sys.executable, 'tools/train.py', config("kind='wait', at=99"))
    (tmp_path / 'disk').mkdir()
    done = mounted(tmp_path / 'disk', '1500k', *train, '--work-dir', tmp_path / 'disk/run')
    assert done.returncode == 2
    (line,) = errors(done.stderr)
    assert 'MB are free, but the 4 checkpoints' in line


def test_a_data_loader_process_killed(tmp_path, config):
    path, work = config("kind='kill_workers', at=6"), tmp_path / 'run'
    options = ['--cfg-options', 'train_dataloader.num_workers=2']
    ((status, text),) = run_tool(tmp_path, 'train', path, '--work-dir', work, *options)
    assert status == 1
    (line,) = errors(text)
    assert 'data loader process' in line and 'num_workers' in line and '--resume' in line
    load_whole(work / 'epoch_1.pth')


def test_no_shared_memory(tmp_path, config):
    train = (sys.executable, 'tools/train.py', config("kind='wait', at=99"))
    options = ('--work-dir', tmp_path / 'run', '--cfg-options', 'train_dataloader.num_workers=1')
    done = mounted('/dev/shm', '4k', *train, *options)
    assert done.returncode == 1
    (line,) = errors(done.stderr)
    assert '/dev/shm' in line and 'num_workers=0' in line and '--shm-size' in line


def test_two_runs_in_one_folder(tmp_path, config):
    """The second is refused by name of the first; scoring is not."""
    path, work = config("kind='wait', at=99"), tmp_path / 'run'
    ((status, text),) = run_tool(tmp_path, 'train', path, '--work-dir', work)
    assert status == 0, text[-2000:]
    claim(str(work))  # from here on this process is the first run
    ((status, text),) = run_tool(tmp_path, 'train', path, '--work-dir', work)
    assert status == 2
    (line,) = errors(text)
    assert f'another run is training there (pid {os.getpid()} on ' in line
    arguments = [path, work / 'epoch_2.pth', '--work-dir', work]
    ((status, text),) = run_tool(tmp_path, 'test', *arguments)
    assert status == 0, text[-2000:]
    claim(str(tmp_path))
