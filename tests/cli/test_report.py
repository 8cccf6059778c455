"""mlgcn report: what is refused before a scores file is read; pages: tests/visualization."""

import pytest


@pytest.mark.parametrize('args, facts', [
    (['a.npz', 'b.npz', '--names', 'a'], ['2 scores files', "['a']"]),
    (['a.npz', 'b.npz', '--names', 'a', 'a'], ['2 scores files', "['a', 'a']"]),
    (['x/a.npz', 'y/a.npz'], ['2 scores files', "['a', 'a']"]),
    (['a.npz', '--out', 'page.html'], ['page.html exists', '--force']),
    (['a.npz', '--protocol', 'coco'], ["'coco'", 'addgcn']),
])  # fmt: skip
def test_wrong_input(tool, tmp_path, monkeypatch, args, facts):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'page.html').touch()
    line = tool('report', *args)
    assert all(fact in line for fact in facts), line
