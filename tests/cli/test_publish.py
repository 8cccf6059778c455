"""mlgcn publish: weights and metadata alone; what is damaged or not ours is not passed on."""

import torch
from tiny_checkpoint import write_checkpoint

from mlgcn.checkpoints import load


def test_weights_and_metadata_alone(tool, tmp_path):
    path, model = write_checkpoint(tmp_path)
    file = torch.load(path)
    torch.save({**file, 'optimizer': dict(state=torch.zeros(10**6))}, path)
    text = tool('publish', path, tmp_path / 'p.safetensors', '--licence', 'MIT')
    published = load(tmp_path / 'p.safetensors')
    assert published.metadata['sha256'] in text and published.metadata['licence'] == 'MIT'
    assert published.content.keys() == {'meta', 'state_dict'}
    weights = model.state_dict()
    assert all(torch.equal(weights[key], value) for key, value in published.weights.items())
    assert 'exists already' in tool('publish', path, tmp_path / 'p.safetensors')


def test_what_is_refused(tool, tmp_path, small):
    assert 'not ours' in tool('publish', small[0], tmp_path / 'p.pth')
    path, _ = write_checkpoint(tmp_path)
    file = torch.load(path)
    file['state_dict']['head.fc.bias'][0] += 1
    torch.save(file, path)
    assert "metadata's sha256" in tool('publish', path, tmp_path / 'p.pth')
    file['state_dict']['head.fc.bias'][0] += torch.inf
    torch.save(file, path)
    refused = tool('publish', path, tmp_path / 'p.pth')
    assert refused == f'error: {path}: NaN or infinite values in head.fc.bias'
    assert not (tmp_path / 'p.pth').exists()
