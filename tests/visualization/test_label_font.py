"""Fonts for labels in any language."""

from matplotlib.ft2font import FT2Font

from mlgcn.visualization import label_font as module
from mlgcn.visualization.label_font import label_font


def characters(font):
    return set(FT2Font(font.path).get_charmap())


def test_the_font_has_the_characters():
    for text in ('traffic light', 'стол', 'Stühle & Bänke', 'τραπέζι'):
        font, drawn = label_font(text, 18)
        assert drawn == text and set(map(ord, text)) - {32} <= characters(font)
        assert font.getlength(drawn) > 18


def test_escapes_where_no_font_has_them(monkeypatch):
    monkeypatch.setattr(module, 'findSystemFonts', lambda: [])
    module._file_with.cache_clear()
    assert label_font('椅子', 18)[1] == '\\u6905\\u5b50'
    module._file_with.cache_clear()
    assert label_font('two\nlines', 18)[1] == 'two lines'
