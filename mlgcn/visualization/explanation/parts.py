"""What an explanation is made of: labels, figures, tables, and parts that hold them."""

from collections.abc import Sequence
from typing import NamedTuple

from numpy import ndarray

from .canvas import Canvas


class Figure(NamedTuple):
    """A drawing and the stem of its file's name."""

    stem: str
    canvas: Canvas


class Table(NamedTuple):
    """Column heads, and rows of text cells, the first naming the row."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


class Part(NamedTuple):
    """Figures that belong together, with what they mean in words."""

    heading: str
    text: str
    figures: Sequence[Figure]
    table: Table | None = None
    wide: bool = False  # its pictures hold text more than a photograph


class Labels(NamedTuple):
    """The n labels that are drawn, the most probable first.

    Attributes:
        index: n classes.
        names: their names.
        logits, probabilities, thresholds: (n,) each.
        present: (n,), whether the probability reaches the threshold.
    """

    index: ndarray
    names: Sequence[str]
    logits: ndarray
    probabilities: ndarray
    thresholds: ndarray
    present: ndarray

    def titles(self) -> list[str]:
        return [f'{name}, {p:.1%}' for name, p in zip(self.names, self.probabilities)]


def before_after(logit: float, change: float) -> tuple[str, str, str]:
    """Cells of a table: a logit, the same after the change, and the change."""
    return f'{logit:.3f}', f'{logit + change:.3f}', f'{change:+.3f}'
