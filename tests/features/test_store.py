"""The folder of features: which image is where, and what is damaged or missing."""

import hashlib
import os

import pytest

from mlgcn.features import FeatureError, FeatureStore
from mlgcn.features.store import digest_of


def test_a_changed_photograph_is_refused_and_a_moved_one_is_not(config, store, tmp_path):
    stored = FeatureStore(store)
    photo = config.parent / 'photos/val 3.jpg'
    moved, changed = tmp_path / 'moved.jpg', tmp_path / 'changed.jpg'
    moved.write_bytes(photo.read_bytes())
    changed.write_bytes(photo.read_bytes() + b'.')
    assert stored.rows([str(moved)])[str(moved)] == stored.rows([str(photo)])[str(photo)]
    with pytest.raises(FeatureError, match='1 of 2 images.*changed.jpg'):
        stored.rows([str(moved), str(changed)])


@pytest.mark.parametrize('damage', [
    lambda folder: (folder / 'features.json').write_text('{"source": 1}'),
    lambda folder: (folder / 'features.json').unlink(),
    lambda folder: (folder / 'stage_3.npy').write_bytes(b'x' * 100),
    lambda folder: (folder / 'done').write_text('3'),
    lambda folder: ((folder / 'stage_3.npy').unlink(), os.mkfifo(folder / 'stage_3.npy')),
])  # fmt: skip
def test_damaged_features_are_named(store, tmp_path, damage):
    for file in store.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    damage(tmp_path)
    with pytest.raises((FeatureError, FileNotFoundError), match=tmp_path.name):
        FeatureStore(tmp_path)


def test_digests_need_nothing_that_python_3_10_lacks(tmp_path, monkeypatch):
    monkeypatch.delattr(hashlib, 'file_digest', raising=False)
    (tmp_path / 'a.jpg').write_bytes(bytes(range(256)) * 5000)  # more than one block
    whole = hashlib.blake2b(bytes(range(256)) * 5000, digest_size=16)
    assert digest_of(str(tmp_path / 'a.jpg')) == whole.hexdigest()
