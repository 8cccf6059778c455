"""Rows of scores in memory and in files, and what is said about rows that do not fit."""

import numpy as np
import pytest

from mlgcn.evaluation.score_rows import ScoreRows


def rows_of(tables, folder=None):
    rows = ScoreRows(folder)
    for i, (logits, targets) in enumerate(zip(*tables)):
        rows.append((i, f'images/{i:03}.jpg'), logits, targets)
    return rows


def tables(n=10, classes=5):
    rng = np.random.RandomState(0)
    logits = rng.randn(n, classes).astype(np.float32)
    return logits, rng.choice([-1, 0, 1], size=logits.shape).astype(np.int8)


@pytest.mark.parametrize('images', [1, 3, 100])  # in memory at once
@pytest.mark.parametrize('order', [range(10), range(9, -1, -1), (7, 2, 3)])
def test_rows_come_back_in_the_order_asked_for(images, order, tmp_path, monkeypatch):
    monkeypatch.setattr('mlgcn.evaluation.score_rows.LARGE', images * 5 * (4 + 1))
    monkeypatch.setattr('mlgcn.evaluation.score_rows.ROWS', 4)
    given = tables()
    found = rows_of(given, tmp_path).gather([(0, i) for i in order], 5)
    for table, expected in zip(found, given):
        assert table.dtype == expected.dtype
        if order == range(10):
            assert isinstance(table, np.memmap) == (images < 10)
        np.testing.assert_array_equal(table, expected[[*order]])
    assert not [*tmp_path.iterdir()]  # the files have no names


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    class Full:
        def writelines(self, lines):
            raise OSError(28, 'No space left on device')

    monkeypatch.setattr('mlgcn.evaluation.score_rows.LARGE', 1)
    monkeypatch.setattr('mlgcn.evaluation.score_rows.TemporaryFile', lambda dir: Full())
    with pytest.raises(OSError, match=f'No space left on device.*{tmp_path.name}'):
        rows_of(tables(3), tmp_path)


def test_images_of_different_numbers_of_classes():
    rows = rows_of(tables(2))
    with pytest.raises(ValueError, match='images/002.jpg: 4 scores .* 5 of'):
        rows.append((2, 'images/002.jpg'), np.zeros(4, np.float32), np.zeros(4, np.int8))
