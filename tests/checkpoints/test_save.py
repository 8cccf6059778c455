"""Weights are written with their metadata."""

import pytest
import torch

from mlgcn.checkpoints import CheckpointError, fingerprint, load, make_metadata, save_weights


@pytest.mark.parametrize('suffix', ['.safetensors', '.pth'])
def test_weights_and_metadata_come_back(tmp_path, suffix):
    weights = {'backbone.w': torch.randn(2, 3).T, 'head.n': torch.tensor(7)}
    metadata = make_metadata(weights, ('cat', 'dog'), 'Free.', metrics=None)
    save_weights(tmp_path / f'a{suffix}', weights, metadata)
    loaded = load(tmp_path / f'a{suffix}')
    assert loaded.metadata == metadata and loaded.classes == ('cat', 'dog')
    assert loaded.content['meta']['dataset_meta'] == {'classes': ('cat', 'dog')}
    assert loaded.sha256 == metadata['sha256'] == fingerprint(weights)
    with pytest.raises(FileExistsError, match='exists already'):
        save_weights(tmp_path / f'a{suffix}', weights, metadata)
    with pytest.raises(CheckpointError, match=r'.safetensors or .pth'):
        save_weights(tmp_path / 'a.bin', weights, metadata)
