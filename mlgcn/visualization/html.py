"""Small pieces of HTML that the report's sections share."""

from collections.abc import Callable, Sequence
from html import escape

import numpy as np

from .runs import Run


def percent(value: float, digits: int = 1) -> str:
    """'81.2', or a dash where there is no value."""
    return '–' if np.isnan(value) else f'{value:.{digits}f}'


def signed(value: float, digits: int = 1) -> str:
    """'+1.2' or '−1.2'."""
    return '–' if np.isnan(value) else f'{value:+.{digits}f}'.replace('-', '−')


def span(bounds: Sequence[float], write: Callable[[float], str] = percent) -> str:
    """'[80.1, 82.3]' in small; nothing where there is no interval."""
    low, high = bounds
    return '' if np.isnan(low) else f'<small>[{write(low)}, {write(high)}]</small>'


def table(head: Sequence[str], rows: Sequence[str], kind: str = '') -> str:
    """A table in a frame that scrolls sideways; `kind` is its class, 'sortable' adds buttons.

    A heading that begins with '|' belongs to a column of text or bars and stands on its left.
    """
    cells = ''
    for name in head:
        left, name = name.startswith('|'), name.removeprefix('|')
        name = f'<button>{name}</button>' if 'sortable' in kind else name
        cells += f'<th scope="col"{" class=text" if left else ""}>{name}</th>'
    return (
        '<div class="scroll" tabindex="0" role="group" aria-label="table">'
        f'<table class="{kind}"><thead><tr>{cells}</tr></thead>\n'
        f'<tbody>{"".join(rows)}</tbody></table></div>'
    )


def row(name: str, cells: Sequence[str]) -> str:
    """A row of ready cells (`<td>`) after the name of what it is about."""
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>\n'


def cell(text: str, value: float | None = None) -> str:
    """A cell; `value` is what sorting goes by, where the text does not begin with it."""
    sorted_by = '' if value is None else f' data-v="{value:.6g}"'
    return f'<td{sorted_by}>{text}</td>'


def bars(
    values: Sequence[float],
    runs: Sequence[Run],
    spans: Sequence | None = None,
    full: float = 100,
    digits: int = 1,
) -> str:
    """A cell with one bar per run of `values` in percent; `spans` draws intervals on them.

    A bar of the value `full` is as long as the cell.
    """
    drawn = ''
    for i, value in enumerate(values):
        width = 0 if np.isnan(value) else value
        line = ''
        if spans is not None and not np.isnan(spans[i][0]):
            line = f'<path d="M{spans[i][0]:.1f} .5H{spans[i][1]:.1f}"/>'
        drawn += (
            f'<div class="bar"><svg viewBox="0 0 {full:.3g} 1" preserveAspectRatio="none" '
            f'aria-hidden="true"><rect width="{width:.4g}" height="1" fill="var({color(i)})"/>'
            f'{line}</svg>'
            f'<span title="{escape(runs[i].name)}">{percent(value, digits)}</span></div>'
        )
    first = -1 if np.isnan(values[0]) else values[0]
    return f'<td class="bars" data-v="{first:.4f}">{drawn}</td>'


def legend(runs: Sequence[Run]) -> str:
    """The runs' names with their colours; nothing for a single run."""
    if len(runs) == 1:
        return ''
    names = ' &nbsp; '.join(f'{key(i)}{escape(run.name)}' for i, run in enumerate(runs))
    return f'<p>{names}</p>'


def key(i: int) -> str:
    """A square in the colour of run `i`."""
    return f'<span class="key" style="background:var({color(i)})"></span>'


def color(i: int) -> str:
    """The name of run `i`'s colour in the page's style."""
    return f'--run{i}'
