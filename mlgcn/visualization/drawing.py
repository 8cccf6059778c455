"""Matplotlib figures in one style, with fonts for every script, as pictures."""

import contextlib
import io
import warnings
from collections.abc import Iterable, Iterator
from functools import cache

import matplotlib
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, findSystemFonts
from matplotlib.ft2font import FT2Font
from PIL import Image

TEXT, SOFT, EDGE = '#1d2127', '#5b6470', '#1f6fc0'
STYLE = {
    'text.parse_math': False,  # class names may hold dollar signs
    'font.size': 13,
    'axes.titlelocation': 'left',
    **dict.fromkeys((f'figure.constrained_layout.{side}_pad' for side in 'wh'), 0.12),  # inches
    **dict.fromkeys(('text.color', 'axes.labelcolor', 'xtick.color', 'ytick.color'), TEXT),
    **dict.fromkeys((f'axes.spines.{s}' for s in ('left', 'right', 'top', 'bottom')), False),
    **dict.fromkeys(('xtick.major.size', 'ytick.major.size'), 0),
}


@contextlib.contextmanager
def style(texts: Iterable[str]) -> Iterator[None]:
    """The style in which figures are built and saved; `texts` are the names that they show."""
    families = fonts_for(frozenset().union(*texts))
    with matplotlib.rc_context({**STYLE, 'font.family': families}), warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'Glyph .* missing')  # a box is drawn instead
        yield


def new_figure(width: float, height: float, title: str) -> Figure:
    """An empty figure of so many points; the lines of its title are its text alternative."""
    figure = Figure(figsize=(width / 72, height / 72), dpi=144, layout='constrained')
    figure.suptitle(title, size=14, x=0.02, ha='left')
    return figure


def add_scale(shown: ScalarMappable, axes: Axes) -> Axes:
    """The scale of the colours of `shown` below `axes`; its ends are numbered."""
    limits = shown.get_clim()
    bar = axes.figure.colorbar(shown, ax=axes, location='bottom', shrink=0.5, aspect=14)
    bar.set_ticks(limits, labels=[f'{limit:.4g}' for limit in limits])
    return bar.ax


def picture(figure: Figure) -> Image.Image:
    """The figure as RGB."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format='png', pil_kwargs={'compress_level': 0})
    return Image.open(buffer).convert('RGB')


def shortened(text: str, most: int = 24) -> str:
    """One line of at most `most` characters."""
    text = ''.join(c if c.isprintable() else ' ' for c in text)
    return text if len(text) <= most else text[: max(most - 1, 0)].rstrip() + '…'


@cache
def fonts_for(characters: frozenset[str]) -> list[str]:
    """Font families that together have `characters`, as far as any font of the system does."""
    families, missing = [], set(map(ord, characters))
    for file in [findfont('DejaVu Sans'), *sorted(findSystemFonts())]:
        # those that were deleted since matplotlib listed them, or are damaged
        with contextlib.suppress(OSError, RuntimeError):
            font = FT2Font(file)
            found = missing.intersection(font.get_charmap())
            if found or not families:
                families.append(font.family_name)
                missing -= found
        if not missing:
            break
    return families
