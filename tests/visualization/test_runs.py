"""Runs of a report are put into one order, or refused."""

import numpy as np
import pytest
from score_files import FILES, FIRST, NAMES, SECOND, TARGETS, save

from mlgcn.visualization.runs import load_runs


def test_runs_are_put_into_one_order(runs, tmp_path):
    order, columns = [2, 0, 1], [1, 2, 0]
    other = save(tmp_path / 'other.npz', SECOND[order][:, columns], TARGETS[order][:, columns],
                 [NAMES[k] for k in columns], [FILES[i] for i in order])  # fmt: skip
    (_, second), left_out = load_runs({'A': runs['A<1>'], 'C': other})
    np.testing.assert_array_equal(second.file.scores, SECOND)
    assert second.file.class_names.tolist() == NAMES and left_out == 0


def test_common_images(runs, tmp_path):
    part = save(tmp_path / 'part.npz', SECOND[1:], TARGETS[1:], files=FILES[1:])
    both = {'A': runs['A<1>'], 'part': part}
    with pytest.raises(ValueError, match=r'part.npz: its 2 images .* not the 3 .*in common: 2'):
        load_runs(both)
    loaded, left_out = load_runs(both, common_images=True)
    assert left_out == 1 and [len(run.file.file_names) for run in loaded] == [2, 2]
    np.testing.assert_array_equal(loaded[0].file.scores, FIRST[1:])


@pytest.mark.parametrize('change, words', [
    (dict(names=['a', 'b', 'c']), 'its 3 classes are not the 3 .*a, b, c, cat'),
    (dict(targets=abs(TARGETS)), r"labels differ .*photos/2.png, class '<script>.* is 1 and -1"),
    (dict(files=['x', 'y', 'z']), 'e.g. x.*e.g. photos/0.png.*in common: 0'),
    (dict(files=['x', 'x', 'z']), "'x' occurs more than once"),
    (dict(names=['a', 'b', 'a']), "more than once: 'a'"),
    (dict(protocol='gkgnet'), "two protocols .*'addgcn'.*'gkgnet'.*--protocol"),
])  # fmt: skip
def test_other_data_are_refused(runs, tmp_path, change, words):
    path = save(tmp_path / 'c.npz', FIRST, **{'targets': TARGETS, **change})
    with pytest.raises(ValueError, match=words):
        load_runs({'A': runs['A<1>'], 'C': path})
