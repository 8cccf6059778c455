"""A font that has the characters of a label, whatever its language."""

from functools import cache
from pathlib import Path

import matplotlib
from matplotlib.font_manager import findSystemFonts
from matplotlib.ft2font import FT2Font
from PIL import ImageFont

DEJAVU = Path(matplotlib.get_data_path()) / 'fonts/ttf/DejaVuSans.ttf'


def label_font(text: str, size: float) -> tuple[ImageFont.FreeTypeFont, str]:
    """(font, text to draw with it), at `size` pixels.

    DejaVu Sans (Latin, Greek, Cyrillic, ...), else the first font of the system that has all the
    characters. Where none has, those outside ASCII are written as escapes.
    """
    file = _file_with(''.join(sorted({c for c in text if c.isprintable() and c != ' '})))
    if file is None:
        text, file = text.encode('ascii', 'backslashreplace').decode(), str(DEJAVU)
    text = ''.join(c if c.isprintable() else ' ' for c in text)
    return _font(file, size), text


@cache
def _file_with(characters: str) -> str | None:
    wanted = set(map(ord, characters))
    if wanted <= _characters(str(DEJAVU)):
        return str(DEJAVU)
    return next((file for file in sorted(findSystemFonts()) if wanted <= _characters(file)), None)


@cache
def _characters(file: str) -> frozenset[int]:
    try:
        font = FT2Font(file)
    except (OSError, RuntimeError):  # a damaged font, or a kind that FreeType does not read
        return frozenset()
    return frozenset(font.get_charmap()) if font.scalable else frozenset()


@cache
def _font(file: str, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size)
