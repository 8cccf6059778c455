"""The cells of a spreadsheet, one by one."""

import pytest

from mlgcn.datasets.label_cells import splitter, state


@pytest.mark.parametrize(
    ('cell', 'expected'),
    [('1', 1), ('0.000e+00', 0), ('-1.0', -1), ('true', 1), ('', -1), ('nan', -1)]
    + [(cell, None) for cell in ('2', '0.5', 'yes', '-', 'inf', '1,0')],
)
def test_states(cell, expected):
    assert state(cell) is expected


@pytest.mark.parametrize(
    ('cells', 'stated', 'first', 'is_noted'),
    [
        (['a|b', 'c'], '', ['a', 'b'], False),
        (['a;b', 'c'], ';', ['a', 'b'], False),
        (['a|b', 'c'], ';', ['a|b'], True),
        (['[a, b]', '[c]'], '', ['a', 'b'], True),
        (['a,b', 'a', 'b'], '', ['a', 'b'], True),
    ],
)
def test_splitters(cells, stated, first, is_noted):
    notes = []
    assert splitter(cells, stated, notes)(cells[0]) == first
    assert bool(notes) == is_noted
