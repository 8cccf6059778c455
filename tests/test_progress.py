"""Bars in a terminal and lines in a pipe: they count items and end at 100 %."""

import io
import re
import sys

import pytest

from mlgcn import progress
from mlgcn.progress import Bar, bars_end, track


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        """As written, without the codes that move the cursor."""
        text = re.sub(r'\x1b\[\S*?[A-Za-z]', '', self.getvalue())
        return [line for line in re.split(r'[\r\n]', text) if line.strip()]


@pytest.fixture
def in_terminal(monkeypatch):
    """Called in the test: pytest sets `sys.stderr` once more after the fixtures."""
    for name, value in dict(TERM='xterm', COLUMNS='80').items():
        monkeypatch.setenv(name, value)

    def start():
        monkeypatch.setattr(sys, 'stderr', Terminal())
        return sys.stderr

    return start


def test_a_pipe_gets_a_line_for_each_part(capsys):
    bar = Bar('images', 64, parts=4)
    for done in range(10, 80, 10):
        bar.reach(min(done, 64), state='loss 0.5')
    out, err = capsys.readouterr()
    assert out == '' and [line.split('  ')[0] for line in err.splitlines()] == [
        'images 20/64 (31 %)',
        'images 40/64 (62 %)',
        'images 50/64 (78 %)',
        'images 64/64 (100 %)',
    ]
    assert 'loss 0.5' in err


def test_a_pipe_gets_a_line_where_a_part_takes_long(capsys, monkeypatch):
    monkeypatch.setattr(progress, 'EVERY', -1)
    assert list(track(iter('abc'), 'images')) == ['a', 'b', 'c']  # their number is unknown
    assert capsys.readouterr().err.splitlines() == ['images 1', 'images 2', 'images 3']


def test_track_says_when_all_is_done_or_nothing(capsys):
    assert sum(track(range(30), 'images')) == 435
    assert capsys.readouterr().err.startswith('images 30/30 (100 %)')
    assert sum(track(range(30), 'images', transient=True)) == 435
    assert list(track([], 'images')) == []
    assert capsys.readouterr().err == ''


def test_a_terminal_gets_a_bar_that_ends_full(in_terminal):
    terminal = in_terminal()
    assert list(track(iter('abcd'), 'images', total=4)) == list('abcd')
    assert '4/4' in terminal.lines()[-1] and not progress.shown


def test_a_notebook_gets_lines(in_terminal, monkeypatch):
    monkeypatch.setattr(Terminal, '__module__', 'ipykernel.iostream')
    terminal = in_terminal()
    assert sum(track(range(4), 'images')) == 6
    assert terminal.getvalue() == 'images 4/4 (100 %)  0 s\n'


def test_an_error_is_the_last_thing_on_the_screen(in_terminal):
    terminal = in_terminal()
    kept = []  # as a traceback keeps the generator alive
    with pytest.raises(OSError), bars_end():
        kept.append(track(range(9), 'images'))
        next(kept[0])
        raise OSError
    print('error: no space', file=sys.stderr)
    assert 'images' in terminal.lines()[-2] and terminal.lines()[-1] == 'error: no space'
