"""Files are whole or absent."""

import errno
import os
import signal
import stat

import mmengine.runner
import pytest
import torch
from machine import FORK
from mmengine.runner import runner as runner_module

from mlgcn import atomic_files
from mlgcn.atomic_files import open_atomically, refuse_existing, remove_leftovers, write_atomically


def test_writes_and_replaces(tmp_path):
    path = tmp_path / 'a'
    write_atomically(path, b'one')
    write_atomically(path, 'two')
    assert path.read_bytes() == b'two'
    assert os.listdir(tmp_path) == ['a']


def test_mode_and_links_of_the_older_file_stay(tmp_path):
    (tmp_path / 'real').write_bytes(b'one')
    os.chmod(tmp_path / 'real', 0o640)
    (tmp_path / 'link').symlink_to('real')
    write_atomically(tmp_path / 'link', b'two')
    assert (tmp_path / 'link').is_symlink() and (tmp_path / 'real').read_bytes() == b'two'
    assert stat.S_IMODE((tmp_path / 'real').stat().st_mode) == 0o640
    umask = os.umask(0o027)
    try:
        write_atomically(tmp_path / 'new', b'three')
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / 'new').stat().st_mode) == 0o640


@pytest.mark.parametrize('where', ['fsync', 'replace'])
def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch, where):
    path = tmp_path / 'a'
    write_atomically(path, b'one')

    def full(*args):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(atomic_files.os, where, full)
    with pytest.raises(OSError) as caught:
        write_atomically(path, b'two')
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(path)
    monkeypatch.undo()
    assert path.read_bytes() == b'one'
    assert os.listdir(tmp_path) == ['a']


def test_errors_of_other_files_keep_their_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, open_atomically(tmp_path / 'a'):
        os.stat(tmp_path / 'other')
    assert caught.value.filename == str(tmp_path / 'other') and not os.listdir(tmp_path)


def write_and_die(path):
    with open_atomically(path) as file:
        file.write(bytes(2**20))
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_write_leaves_nothing_under_the_name(tmp_path):
    process = FORK.Process(target=write_and_die, args=(tmp_path / 'a',))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    (left,) = os.listdir(tmp_path)
    assert left.startswith('.a.') and left.endswith('.tmp')
    remove_leftovers(tmp_path)
    assert not os.listdir(tmp_path)


def test_leftovers_of_a_killed_write_go(tmp_path):
    for name in ('.epoch_1.pth.tmp', '.last_checkpoint.tmp', 'epoch_1.pth', '.lock'):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ['.lock', 'epoch_1.pth']


def test_what_is_there_is_not_overwritten(tmp_path):
    refuse_existing(tmp_path / 'a')
    (tmp_path / 'a').symlink_to('nowhere')
    refuse_existing(tmp_path / 'a', force=True)
    with pytest.raises(FileExistsError, match='a exists already.*--force'):
        refuse_existing(tmp_path / 'a')


@pytest.mark.parametrize('module', [mmengine.runner, runner_module])
def test_every_checkpoint_of_upstream_is_atomic(module, tmp_path):
    with pytest.raises(AttributeError, match='lambda'):  # by then half of the file is written
        module.save_checkpoint(dict(a=torch.ones(2), b=lambda: 0), str(tmp_path / 'a.pth'))
    assert not list(tmp_path.iterdir())
    module.save_checkpoint(dict(a=torch.ones(2)), str(tmp_path / 'new folder' / 'a.pth'))
    loaded = torch.load(tmp_path / 'new folder' / 'a.pth', weights_only=True)
    assert torch.equal(loaded['a'], torch.ones(2))
