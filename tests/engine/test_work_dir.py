"""A run's folder is checked and locked before training; the lock ends with its process."""

import errno
import os
import signal
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from machine import FORK
from mmengine.config import Config

from mlgcn.engine import work_dir as module
from mlgcn.engine.config import ConfigError
from mlgcn.engine.work_dir import check_room, claim, refuse_finished, written_place


def hold(folder, pipe):
    claim(folder)
    child = FORK.Process(target=signal.pause)  # a data loader's process, which lives on
    child.start()
    pipe.send(child.pid)
    signal.pause()


def test_a_second_run_is_refused_until_the_first_is_dead(tmp_path):
    folder, (ours, theirs) = str(tmp_path / 'run'), FORK.Pipe()
    first = FORK.Process(target=hold, args=(folder, theirs))
    first.start()
    child = ours.recv()
    with pytest.raises(ConfigError, match=f'run: another run .*pid {first.pid} on ') as error:
        claim(folder)
    assert '--work-dir' in str(error.value)
    first.kill()
    first.join()
    claim(folder)
    os.kill(child, signal.SIGKILL)
    assert written_place() == folder
    assert f'pid {os.getpid()} on' in Path(folder, '.lock_holder').read_text()


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ConfigError, match='file: .*not a folder.*--work-dir'):
        claim(str(tmp_path / 'file'))
    with pytest.raises(ConfigError, match='below: .*Not a directory'):
        claim(str(tmp_path / 'file/below'))


@pytest.mark.parametrize('number', [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_takes_no_files(tmp_path, monkeypatch, number):
    def refuse(dir):
        raise OSError(number, os.strerror(number), dir)

    monkeypatch.setattr(module.tempfile, 'TemporaryFile', refuse)  # root may write everywhere
    with pytest.raises(ConfigError, match=f'{tmp_path}.*{os.strerror(number)}'):
        claim(str(tmp_path))


def test_without_locks_the_run_starts(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(module.FileLock, 'acquire', refuse)
    claim(str(tmp_path))


def test_room(tmp_path, monkeypatch):
    model = torch.nn.Linear(999, 1000)  # a million weights: 4 MB, 12 MB with two moments
    hooks = dict(checkpoint=dict(max_keep_ckpts=2, save_best='mAP'))
    cfg = Config(dict(default_hooks=hooks))
    runner = SimpleNamespace(model=model, cfg=cfg, work_dir=str(tmp_path))
    usage = namedtuple('usage', 'free')
    monkeypatch.setattr(module.shutil, 'disk_usage', lambda path: usage(48_000_000))
    check_room(runner)
    monkeypatch.setattr(module.shutil, 'disk_usage', lambda path: usage(47_000_000))
    with pytest.raises(ConfigError, match='47 MB are free, but the 4 checkpoints .* 48 MB'):
        check_room(runner)
    (tmp_path / 'epoch_1.pth').write_bytes(bytes(1_000_000))  # a new one takes its place
    check_room(runner)


def test_an_earlier_run_is_not_overwritten(tmp_path):
    runner = SimpleNamespace(work_dir=str(tmp_path), _resume=False)
    refuse_finished(runner)
    (tmp_path / 'epoch_2.pth').touch()
    with pytest.raises(ConfigError, match='epoch_2.pth: .*--resume .*--force .*--work-dir'):
        refuse_finished(runner)
    runner._resume = True
    refuse_finished(runner)
