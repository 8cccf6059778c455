"""What checkpoints say about their weights, and files that hold both."""

import json

import pytest
import torch
from mmengine.runner.checkpoint import save_checkpoint
from safetensors.torch import save_file

from mlgcn.checkpoints import (
    CheckpointError,
    fingerprint,
    load,
    make_metadata,
    save_weights,
)


def test_fingerprint_is_of_names_types_shapes_and_values():
    weights = {'a': torch.arange(4.0), 'b': torch.tensor(3)}
    first = fingerprint(weights)
    assert first == fingerprint(dict(reversed(weights.items())))
    assert first != fingerprint({**weights, 'b': torch.tensor(4)})
    assert first != fingerprint({**weights, 'a': torch.arange(4.0).reshape(2, 2)})
    assert first != fingerprint({**weights, 'a': torch.arange(4.0).double()})
    assert first != fingerprint({'a': weights['a'], 'c': weights['b']})


@pytest.mark.parametrize('suffix', ['.safetensors', '.pth'])
def test_files_of_earlier_versions(tmp_path, suffix):
    """They have the metadata under the key `passport`."""
    weights = {'w': torch.ones(2)}
    metadata = make_metadata(weights, ('cat', 'dog'), 'Free.')
    if suffix == '.pth':
        torch.save(dict(meta=dict(passport=metadata), state_dict=weights), tmp_path / 'a.pth')
    else:
        text = dict(format='pt', passport=json.dumps(metadata))
        save_file(weights, tmp_path / 'a.safetensors', text)
    loaded = load(tmp_path / f'a{suffix}')
    assert loaded.metadata == metadata and loaded.classes == ('cat', 'dog')
    loaded.check_sha256()


def test_weights_that_were_edited_are_found(tmp_path):
    metadata = make_metadata({'w': torch.ones(2)}, None, 'Free.')
    save_weights(tmp_path / 'a.pth', {'w': torch.zeros(2)}, metadata)
    with pytest.raises(CheckpointError, match=r"a.pth: .* not those of its metadata's sha256"):
        load(tmp_path / 'a.pth').check_sha256()


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


def test_other_storages_get_the_file_too(tmp_path):
    save_checkpoint({'a': 1}, str(tmp_path / 'a.pth'), backend_args=dict(backend='local'))
    assert torch.load(tmp_path / 'a.pth') == {'a': 1}
