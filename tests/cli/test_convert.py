"""mlgcn convert: published weights to ours and back; what it refuses."""

import torch

from mlgcn.checkpoints import load


def test_convert_there_and_back(tool, tmp_path, small):
    path, weights = small
    text = tool('convert', path, tmp_path / 'ours.safetensors')
    assert 'GKGNet as published; 614 entries converted, 12 left out' in text
    assert load(tmp_path / 'ours.safetensors').source == 'gkgnet'
    args = (tmp_path / 'ours.safetensors', tmp_path / 'back.pth', '--to', 'gkgnet')
    assert '626 entries for the published gkgnet' in tool('convert', *args)
    back = torch.load(tmp_path / 'back.pth', weights_only=True)['state_dict']
    learned = [key for key in weights if not key.endswith('relative_pos')]
    assert back.keys() == weights.keys()
    assert all(torch.equal(back[key], weights[key]) for key in learned)


def test_wrong_input_gets_one_line(tool, tmp_path, small):
    path, weights = small
    assert 'exists already' in tool('convert', path, path)
    assert 'missing.pth: no such checkpoint file' in tool(
        'convert', 'missing.pth', tmp_path / 'a.pth'
    )
    refused = tool('convert', path, tmp_path / 'a.pth', '--from', 'addgcn')
    assert f'{path}: 626 entries are not in the published addgcn' in refused
    torch.save({**weights, 'backbone.extra': torch.zeros(1)}, tmp_path / 'extra.pth')
    refused = tool('convert', tmp_path / 'extra.pth', tmp_path / 'a.pth')
    assert '1 entry is not in the published gkgnet weights: backbone.extra' in refused
    torch.save({'a': torch.zeros(1)}, tmp_path / 'other.pth')
    refused = tool('convert', tmp_path / 'other.pth', tmp_path / 'a.pth')
    assert 'unknown model' in refused
    assert not (tmp_path / 'a.pth').exists()
