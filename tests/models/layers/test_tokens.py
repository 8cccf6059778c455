"""Maps as tokens and back; files of vectors."""

import io
import os
import zipfile

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
        ('v.npy', np.zeros((2, 20_000), np.float16), 'at most 16,384'),
        ('v.npy', np.array([[{}], [1]]), 'Python objects'),
    ],
)
def test_wrong_files_are_named(tmp_path, name, array, words):
    with open(tmp_path / name, 'wb') as file:
        np.save(file, array)
    with pytest.raises(ValueError, match=words):
        read_vectors(tmp_path / name, 2)


def test_files_that_claim_more_or_are_none(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, dict(descr='<f4', fortran_order=False, shape=(2, 2**40))
    )
    with zipfile.ZipFile(tmp_path / 'zip.npy', 'w') as archive:
        archive.writestr('a.npy', header.getvalue())
    (tmp_path / 'claims.npy').write_bytes(header.getvalue() + bytes(100))
    (tmp_path / 'text.npy').write_text('hello')
    os.mkfifo(tmp_path / 'pipe.npy')
    (tmp_path / 'folder.npy').mkdir()
    for name in ('zip', 'claims', 'text', 'pipe', 'folder'):
        with pytest.raises(ValueError, match=f'{name}.npy: expected an array of numpy'):
            read_vectors(tmp_path / f'{name}.npy', 2)
    with pytest.raises(FileNotFoundError, match=r'absent\.npy'):
        read_vectors(tmp_path / 'absent.npy', 2)
