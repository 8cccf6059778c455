"""The scores file: round trip without pickles, and words for what is not one."""

import os
import zipfile

import numpy as np
import pytest

from mlgcn.evaluation import ScoresFile


def example(**change):
    data = {
        'file_names': ['a.jpg', 'ü b.jpg'],
        'class_names': ['cat', 'dog', 'cow'],
        'scores': np.array([[1, -2, 3], [0, 0.5, -1]], np.float32),
        'targets': np.array([[1, 0, -1], [0, 1, 0]], np.int8),
        'protocol': 'gkgnet',
    }
    return ScoresFile(**{**data, **change})


def test_round_trip(tmp_path):
    example(temperature=2.5, thresholds=np.float32([0.1, 0.2, 0.9])).save(
        tmp_path / 'new/scores.npz'
    )
    with np.load(tmp_path / 'new/scores.npz', allow_pickle=False) as file:
        assert ''.join(file[name].dtype.kind for name in file.files) == 'UUfiUUff'
    loaded = ScoresFile.load(tmp_path / 'new/scores.npz')
    assert loaded.file_names.tolist() == ['a.jpg', 'ü b.jpg']
    assert loaded.class_names.tolist() == ['cat', 'dog', 'cow']
    assert loaded.protocol == 'gkgnet' and isinstance(loaded.protocol, str)
    np.testing.assert_array_equal(loaded.scores, example().scores)
    np.testing.assert_array_equal(loaded.targets, example().targets)
    assert loaded.scores.dtype == np.float32 and loaded.targets.dtype == np.int8
    assert loaded.temperature == 2.5
    np.testing.assert_array_equal(loaded.thresholds, np.float32([0.1, 0.2, 0.9]))


def test_files_of_earlier_versions(tmp_path):
    path, fields = tmp_path / 'scores.npz', vars(example())
    np.savez(path, **{key: fields[key] for key in list(fields)[:5]})
    loaded = ScoresFile.load(path)
    assert (loaded.sha256, loaded.temperature, len(loaded.thresholds)) == ('', 1, 0)


def test_wrong_files(tmp_path):
    path = tmp_path / 'scores.npz'
    with pytest.raises(FileNotFoundError, match='no such scores file'):
        ScoresFile.load(path)
    os.mkfifo(tmp_path / 'pipe')
    with pytest.raises(ValueError, match='pipe: .*not a regular file'):
        ScoresFile.load(tmp_path / 'pipe')
    path.write_text('hello')
    with pytest.raises(ValueError, match='not a scores file'):
        ScoresFile.load(path)
    np.savez(path, features=np.zeros(3))
    with pytest.raises(ValueError, match='file_names'):
        ScoresFile.load(path)
    example(class_names=['cat', 'dog']).save(path)
    with pytest.raises(ValueError, match=r'2 class names, but scores \(2, 3\)'):
        ScoresFile.load(path)
    example(class_names=['cat', 'dog', 'cat']).save(path)
    with pytest.raises(ValueError, match="more than once: 'cat'"):
        ScoresFile.load(path)
    for wrong in (dict(temperature=-1.0), dict(thresholds=np.float32([0.5]))):
        example(**wrong).save(path)
        with pytest.raises(ValueError, match=r'thresholds \(\d,\)'):
            ScoresFile.load(path)
    example().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match='cut short'):
        ScoresFile.load(path)


def test_pickled_objects_are_refused(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / 'unpickled'), 'w'))

    example(file_names=np.array([Bomb(), 'b.jpg'], dtype=object)).save(tmp_path / 's.npz')
    with pytest.raises(ValueError, match='not a scores file'):
        ScoresFile.load(tmp_path / 's.npz')
    assert not (tmp_path / 'unpickled').exists()


def test_files_without_the_weights_sha256(tmp_path):
    """Earlier versions did not write it."""
    arrays = {name: value for name, value in vars(example()).items() if name != 'sha256'}
    np.savez_compressed(tmp_path / 'old.npz', **arrays)
    assert ScoresFile.load(tmp_path / 'old.npz').sha256 == ''


def test_an_archive_that_unpacks_to_much_more(tmp_path):
    arrays = dict(vars(example()), scores=np.zeros((2**13, 2**13), np.float32))
    np.savez_compressed(tmp_path / 'bomb.npz', **arrays)
    with pytest.raises(ValueError, match=r'bomb.npz: .* 268,43\d,\d+ bytes, but the file has'):
        ScoresFile.load(tmp_path / 'bomb.npz')


def test_large_tables_are_mapped(tmp_path, monkeypatch):
    path = tmp_path / 'scores.npz'
    monkeypatch.setattr('mlgcn.zip_files.LARGE', 1)
    written = example(scores=np.asfortranarray(example().scores))
    written.save(path)
    loaded = ScoresFile.load(path)
    for name in ('scores', 'targets'):
        assert isinstance(getattr(loaded, name), np.memmap), name
        np.testing.assert_array_equal(getattr(loaded, name), getattr(written, name))
    assert loaded.file_names.tolist() == written.file_names
    # a shape that claims more than the file holds
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, 'w') as new:
        for name, data in members.items():
            new.writestr(name, data.replace(b'(2, 3)', b'(9, 9)'))
    for large in (1, 2**28):  # a small table's memory would be reserved before it is read
        monkeypatch.setattr('mlgcn.zip_files.LARGE', large)
        with pytest.raises(ValueError, match=r'scores of shape \(9, 9\)'):
            ScoresFile.load(path)
