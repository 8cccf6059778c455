"""Parts of messages; nothing here imports more than the standard library."""

import difflib
from collections.abc import Iterable


def printable(text: str) -> str:
    """`text` with control characters escaped (but line breaks and tabs): a terminal obeys them."""
    return ''.join(
        c if c.isprintable() or c in '\n\t' else c.encode('unicode_escape').decode() for c in text
    )


def some(names: Iterable, most: int = 10, sep: str = ', ') -> str:
    """'a, b, c': the first names of many, cut short, with the number of the others."""
    names = list(names)
    shown = [text[:300] + '...' * (len(text) > 300) for text in map(str, names[:most])]
    return sep.join(shown) + (f'{sep}... ({len(names) - most} more)' if len(names) > most else '')


def nearest(
    name: str, known: Iterable[str], cutoff: float = 0.6, n: int = 1, parts: bool = False
) -> str:
    """The end of a message: the known names that resemble `name`, if any.

    With `parts` also those of which `name`, or a near miss of it, is a word: 'gkgnet_coco_576'.
    """
    known = list(known)
    near = [other for other in known if other.lower() == name.lower()][:n]
    near = near or difflib.get_close_matches(name, known, n, cutoff)
    if parts and not near:
        words = {word for other in known for word in other.split('_') if len(word) > 2}
        word = difflib.get_close_matches(name.split('_')[0], words, 1, cutoff)
        near = [other for other in known if word and word[0] in other.split('_')][:3]
    return f'; did you mean {" or ".join(map(repr, near))}?' if near else ''
