"""A matplotlib figure as inline SVG for a page and as PNG, with fonts for every script."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.image import AxesImage

# In the page's SVG these become CSS variables and follow its theme. CARD is not pure white, so
# that white outlines on photographs stay white in a dark theme.
TEXT, SOFT, EDGE, CARD = '#1d2127', '#5b6470', '#1f6fc0', '#fffffe'
VARIABLES = {TEXT: 'var(--text)', SOFT: 'var(--soft)', EDGE: 'var(--edge)', CARD: 'var(--card)'}
STYLE = {
    'text.parse_math': False,  # class names may hold dollar signs
    'svg.fonttype': 'none',  # text stays text: small, searchable, in the browser's fonts
    'font.size': 13,
    'axes.titlelocation': 'left',
    **dict.fromkeys((f'figure.constrained_layout.{side}_pad' for side in 'wh'), 0.12),  # inches
    **dict.fromkeys(('text.color', 'axes.labelcolor', 'xtick.color', 'ytick.color'), TEXT),
    **dict.fromkeys(('figure.facecolor', 'axes.facecolor'), 'none'),
    **dict.fromkeys((f'axes.spines.{s}' for s in ('left', 'right', 'top', 'bottom')), False),
    **dict.fromkeys(('xtick.major.size', 'ytick.major.size'), 0),
}
SVG = '{http://www.w3.org/2000/svg}'
ElementTree.register_namespace('', SVG.strip('{}'))
ElementTree.register_namespace('xlink', 'http://www.w3.org/1999/xlink')


@contextmanager
def style(texts: Iterable[str]) -> Iterator[None]:
    """The style in which figures are built and saved; `texts` are the names that they show."""
    families, _ = fonts_for(''.join(sorted(set().union(*texts))))
    with matplotlib.rc_context({**STYLE, 'font.family': families}):
        yield


class Drawing:
    """A figure of so many points, which are the units of its SVG, and its text alternative."""

    def __init__(self, width: float, height: float, title: str):
        self.width, self.height, self.title = width, height, title.replace('\n', '; ')
        self.figure = Figure(figsize=(width / 72, height / 72), layout='constrained')
        self.photo: tuple[str, AxesImage] | None = None  # its id on the page, and in the PNG

    def png(self) -> bytes:
        return self._save('png', dpi=108, facecolor='white', pil_kwargs={'compress_level': 3})

    def _save(self, kind: str, **options) -> bytes:
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format=kind, **options)
        self.figure.set_layout_engine('none')  # the layout stands now
        return buffer.getvalue()

    def svg(self, salt: str) -> Markup:
        """The figure for a page. `salt` makes its ids differ from those of other figures.

        The photograph is not in it: a <use> refers to the page's one copy.
        """
        metadata = dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))
        if self.photo:
            self.photo[1].set_visible(False)
        with matplotlib.rc_context({'svg.hashsalt': salt}):
            root = ElementTree.fromstring(self._save('svg', metadata=metadata))
        for defs in root.findall(f'{SVG}defs[{SVG}style]'):
            root.remove(defs)  # a style that would apply to the whole page
        for element in root.iter():
            if element.tag == f'{SVG}g':
                element.attrib.pop('id', None)  # the same in all figures: figure_1, axes_1, ...
            for color, variable in VARIABLES.items() if 'style' in element.attrib else ():
                element.set('style', element.get('style').replace(color, variable))
        if self.photo:
            name, photo = self.photo
            photo.set_visible(True)
            box = photo.axes.get_position()
            place = f'translate({box.x0 * self.width:.2f} {(1 - box.y1) * self.height:.2f}) '
            place += f'scale({box.width * self.width:.2f} {box.height * self.height:.2f})'
            use = {'href': f'#{name}', 'transform': place}
            root.insert(0, ElementTree.Element(f'{SVG}use', use))
        # its size is the page's matter
        root.attrib = {'viewBox': root.get('viewBox'), 'role': 'img', 'aria-label': self.title}
        return Markup(ElementTree.tostring(root, encoding='unicode'))


def shortened(text: str, most: int = 24) -> str:
    """One line of at most `most` characters; those that no installed font has become escapes."""
    text = ''.join(c if c.isprintable() else ' ' for c in text)
    _, missing = fonts_for(''.join(sorted(set(text))))
    text = ''.join(ascii(c)[1:-1] if ord(c) in missing else c for c in text)
    return text if len(text) <= most else text[: max(most - 1, 0)].rstrip() + '…'


@cache
def fonts_for(characters: str) -> tuple[list[str], frozenset[int]]:
    """Font families that together have `characters`, and the code points that none has."""
    families = ['DejaVu Sans']  # comes with matplotlib; the others are the system's
    missing = frozenset(map(ord, characters)) - _characters(findfont('DejaVu Sans'))
    for font in sorted(fontManager.ttflist, key=lambda font: font.fname):
        # of matplotlib's own fonts, LastResort draws a box for every character
        own = font.fname.startswith(matplotlib.get_data_path())
        if missing and not own and missing & _characters(font.fname):
            families.append(font.name)
            missing -= _characters(font.fname)
    return families, missing


@cache
def _characters(file: str) -> frozenset[int]:
    try:
        return frozenset(FT2Font(file).get_charmap())
    except (OSError, RuntimeError):  # deleted since matplotlib listed it, or damaged
        return frozenset()
