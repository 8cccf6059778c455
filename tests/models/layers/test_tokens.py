"""Maps as tokens and back; files of vectors."""

import numpy as np
import pytest
import torch

from mlgcn.models.layers.tokens import as_tokens, on_map, read_vectors


def test_there_and_back():
    feature = torch.randn(2, 3, 4, 5)
    tokens = as_tokens(feature)
    assert torch.equal(tokens[:, 7], feature[:, :, 1, 2]) and as_tokens(tokens) is tokens
    assert torch.equal(on_map(tokens.transpose(1, 2), feature), feature)
    assert on_map(torch.ones(2, 9, 20), tokens).shape == (2, 9, 1, 20)


@pytest.mark.parametrize(
    ('name', 'array', 'words'),
    [
        ('v.npy', np.zeros((3, 4)), r'\(2, C\).*\(3, 4\)'),
        ('v.npy', np.zeros((2, 4), int), 'int64'),
        ('v.npy', np.array([[np.nan], [1.0]]), 'NaN'),
        ('v.txt', np.zeros((2, 4)), 'a .npy file'),
    ],
)
def test_wrong_files_are_named(tmp_path, name, array, words):
    with open(tmp_path / name, 'wb') as file:
        np.save(file, array)
    with pytest.raises(ValueError, match=words):
        read_vectors(tmp_path / name, 2)
