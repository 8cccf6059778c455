"""Checkpoints are read with an allow-list, whoever asks for them."""

import pickle

import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

from mlgcn.checkpoints import CheckpointError
from mlgcn.checkpoints.checkpoint import load_content
from mlgcn.checkpoints.safe_load import safe_load


class Touch:
    """A pickle that would create a file when loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


def test_mmengines_own_content_loads(tmp_path):
    buffer = HistoryBuffer([1.0, 2.0], [1, 1])
    torch.save(dict(state_dict={'w': torch.ones(2)}, hub=buffer), tmp_path / 'a.pth')
    loaded = CheckpointLoader.load_checkpoint(str(tmp_path / 'a.pth'))
    assert torch.equal(loaded['state_dict']['w'], torch.ones(2))
    assert loaded['hub'].mean() == 1.5


@pytest.mark.parametrize('legacy', [False, True])
def test_a_file_that_asks_for_more_is_refused_and_not_run(tmp_path, legacy):
    marker, file = tmp_path / 'marker', tmp_path / 'bad.pth'
    torch.save(dict(state_dict=Touch(marker)), file, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CheckpointError, match=r'bad.pth: not loaded, because .*open'):
        CheckpointLoader.load_checkpoint(str(file))
    assert not marker.exists()


def test_getattr_reaches_log_statistics_only(tmp_path):
    class Reach:
        def __reduce__(self):
            return getattr, (HistoryBuffer, '__init__')

    torch.save(Reach(), tmp_path / 'bad.pth')
    with pytest.raises(CheckpointError, match='allow-list'):
        safe_load(tmp_path / 'bad.pth')


def test_plain_pickle_is_refused(tmp_path):
    marker = tmp_path / 'marker'
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(Touch(marker)))
    with pytest.raises(CheckpointError, match='a.pkl'):
        safe_load(tmp_path / 'a.pkl')
    assert not marker.exists()


@pytest.mark.parametrize('content', [b'', b'not a checkpoint', b'PK\x03\x04 cut short'])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / 'damaged.pth').write_bytes(content)
    with pytest.raises(CheckpointError, match='damaged.pth'):
        safe_load(tmp_path / 'damaged.pth')


def test_unsafe_loading_cannot_be_asked_for(tmp_path):
    torch.save({}, tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match='allow-list'):
        load_content(tmp_path / 'a.pth', weights_only=False)
