"""mlgcn visualize: what is refused before a model is read; pages: tests/visualization."""

import pytest

from mlgcn.cli.options import pixel


def test_a_pixel_is_two_whole_numbers():
    assert pixel('12,7') == (12, 7)
    for text in ('12', '1,2,3', 'a,b', '1.5,2'):
        with pytest.raises(ValueError):
            pixel(text)


@pytest.mark.parametrize('args, facts', [
    (['a.pth', '--out', 'new'], ['at least one image']),
    (['a.pth', 'b.jpg'], ['--out']),
    (['a.pth', 'b.jpg', '--out', 'seen'], ['seen/index.html exists', '--force']),
    (['a.pth', 'b.jpg', '--out', 'new', '--labels', 'cat', '--top-k', '3'], ['--labels']),
])  # fmt: skip
def test_wrong_input(tool, tmp_path, monkeypatch, args, facts):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'seen').mkdir()
    (tmp_path / 'seen/index.html').touch()
    line = tool('visualize', *args)
    assert all(fact in line for fact in facts), line
