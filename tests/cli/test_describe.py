"""mlgcn describe: what a file of weights is, without a model."""

import torch


def test_descriptions_need_no_model(tool, tmp_path, small):
    text = tool('describe', small[0])
    for words in ('GKGNet as published', 'arch t', '128 x 128', 'commercially', 'no metadata'):
        assert words in text, words
    tool('convert', small[0], tmp_path / 'ours.pth')
    text = tool('describe', tmp_path / 'ours.pth')
    assert 'as stated' in text and 'source          gkgnet' in text
    file = torch.load(tmp_path / 'ours.pth')
    file['state_dict']['head.fc1.bias'] += torch.inf
    torch.save(file, tmp_path / 'ours.pth')
    text = tool('describe', tmp_path / 'ours.pth')
    assert ', NOT ' in text and 'NaN or infinite 1 entries, e.g. head.fc1.bias' in text
