"""The newest whole checkpoint."""

import os
import shutil

import pytest
import torch

from mlgcn.checkpoints import CheckpointError
from mlgcn.engine.latest_checkpoint import candidates, latest_checkpoint, load_whole


@pytest.fixture
def run(tmp_path):
    """A folder with four checkpoints, of which mid_epoch_10 is the newest of the run."""
    names = ('epoch_9', 'epoch_10', 'mid_epoch_10', 'best_mAP_epoch_10', 'epoch_50')
    for name in names:
        content = dict(optimizer={}, state_dict=dict(w=torch.arange(1000.0)), name=name)
        torch.save(content, tmp_path / f'{name}.pth')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'mid_epoch_10.pth'))
    return tmp_path


def names(paths):
    return [path.stem for path in paths]


def test_order(run):
    assert names(candidates(run)) == ['mid_epoch_10', 'epoch_10', 'epoch_9']  # 50: an older run's
    (run / 'last_checkpoint').write_text(str(run / 'epoch_10.pth'))
    assert names(candidates(run)) == ['epoch_10', 'epoch_9']
    (run / 'last_checkpoint').unlink()
    assert candidates(run) == [] and latest_checkpoint(run) is None


def test_a_moved_folder(run, tmp_path_factory):
    moved = tmp_path_factory.mktemp('moved') / 'run'
    shutil.copytree(run, moved)
    assert latest_checkpoint(moved) == str(moved / 'mid_epoch_10.pth')


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == 'truncated':
        content = content[: len(content) // 2]
    elif how == 'empty':
        content = b''
    else:
        content[len(content) // 2] ^= 255
    path.write_bytes(content)


@pytest.mark.parametrize('how', ['truncated', 'empty', 'one byte'])
def test_damaged_files_are_passed_over(run, how, caplog):
    damage(run / 'mid_epoch_10.pth', how)
    damage(run / 'epoch_10.pth', how)
    assert latest_checkpoint(run) == str(run / 'epoch_9.pth')
    with pytest.raises(CheckpointError, match='epoch_10.pth'):
        load_whole(run / 'epoch_10.pth')


def test_an_absent_file_is_passed_over(run):
    os.unlink(run / 'mid_epoch_10.pth')
    assert latest_checkpoint(run) == str(run / 'epoch_10.pth')


def test_unusable_ones_are_passed_over(run):
    def usable(checkpoint):
        return 'not this one' if checkpoint['name'] != 'epoch_9' else None

    assert latest_checkpoint(run, usable) == str(run / 'epoch_9.pth')


def test_weights_alone(run):
    torch.save(dict(state_dict={'w': torch.zeros(1)}), run / 'mid_epoch_10.pth')
    with pytest.raises(CheckpointError, match='holds no state of an optimizer'):
        load_whole(run / 'mid_epoch_10.pth')
