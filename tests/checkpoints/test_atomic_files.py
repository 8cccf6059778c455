"""Files are whole or absent."""

import errno
import os

import mmengine.runner
import pytest
import torch
from mmengine.runner import runner as runner_module

from mlgcn.checkpoints import atomic_files as atomic_save
from mlgcn.checkpoints.atomic_files import remove_leftovers, save_checkpoint, write_atomically


def test_writes_and_replaces(tmp_path):
    path = tmp_path / 'a'
    write_atomically(path, b'one')
    write_atomically(path, b'two')
    assert path.read_bytes() == b'two'
    assert os.listdir(tmp_path) == ['a']


@pytest.mark.parametrize('where', ['fsync', 'replace'])
def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch, where):
    path = tmp_path / 'a'
    write_atomically(path, b'one')

    def full(*args):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(atomic_save.os, where, full)
    with pytest.raises(OSError) as caught:
        write_atomically(path, b'two')
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(path)
    monkeypatch.undo()
    assert path.read_bytes() == b'one'
    assert os.listdir(tmp_path) == ['a']


def test_leftovers_of_a_killed_write_go(tmp_path):
    for name in ('.epoch_1.pth.tmp', '.last_checkpoint.tmp', 'epoch_1.pth', '.lock'):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ['.lock', 'epoch_1.pth']


def test_every_checkpoint_of_upstream_is_atomic(tmp_path):
    assert mmengine.runner.save_checkpoint is save_checkpoint
    assert runner_module.save_checkpoint is save_checkpoint
    save_checkpoint(dict(a=torch.ones(2)), str(tmp_path / 'new folder' / 'a.pth'))
    loaded = torch.load(tmp_path / 'new folder' / 'a.pth', weights_only=True)
    assert torch.equal(loaded['a'], torch.ones(2))
