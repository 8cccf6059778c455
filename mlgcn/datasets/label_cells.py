"""What the cells of a spreadsheet say: a state, several labels, or a name that looks like both."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import yaml

from mlgcn.messages import some

from .image_io import ENDINGS

EMPTY = {'nan', 'none', 'null', 'n/a', 'na', '<na>', '[]', '{}'}  # what programs write for no label
STATES = {'0': 0, '1': 1, '-1': -1, '': -1, 'false': 0, 'true': 1}
LIST_SIGNS = '|;,｜；，、\n'  # which hardly any name of a class has
SEPARATORS = (*LIST_SIGNS, '/', '\\', '+', '&', '\t', ' and ', ' ', '_', '-', ':', '.')
TYPED = {r'\t': '\t', r'\n': '\n'}  # separators as one types them in a shell


def state(cell: str) -> int | None:
    """1, 0 or -1, which nothing and NaN are too, of a cell in small letters; None: no state."""
    if cell in STATES:
        return STATES[cell]
    try:
        number = float(cell)
    except ValueError:
        return None
    return -1 if number != number else int(number) if number in (1, 0, -1) else None


def splitter(
    cells: Sequence[str], stated: str, notes: list[str]
) -> Callable[[str], list[str] | None]:
    """The labels of a cell; None where it is no list, as the `cells` are.

    Args:
        stated: the separator, or '' to find it out.
        notes: gets what was found out.
    """
    separator = TYPED.get(stated, stated) or ('|' if any('|' in cell for cell in cells) else '')
    filled = {cell for cell in cells if cell}
    if stated and not any(separator in cell for cell in filled):
        notes.append(f'no cell has the separator {stated!r} (own.separator)')
    if not separator and filled and None not in map(_read_list, filled):
        notes.append(f'labels are read as lists: {min(filled)}')
        return _read_list
    for sign in ';,' if not separator else '':
        multiple, known = _parts(filled, sign)
        if multiple and all(part in known for parts in multiple.values() for part in parts):
            separator = sign
            notes.append(f'labels are separated by {sign!r}: {next(iter(multiple))}')
    sign = separator or '|'
    return lambda cell: [name for part in cell.split(sign) if (name := part.strip())]


def _parts(names: Collection[str], sign: str) -> tuple[dict[str, list[str]], set[str]]:
    """({name with the sign: its parts}, parts that are a name themselves or belong to several)."""
    multiple = {n: [p.strip() for p in n.split(sign) if p.strip()] for n in names if sign in n}
    multiple = {name: parts for name, parts in multiple.items() if len(parts) > 1}
    counts = Counter(part for parts in multiple.values() for part in set(parts))
    return multiple, {p for p, n in counts.items() if n > 1} | (set(names) - multiple.keys())


def _read_list(cell: str) -> list[str] | None:
    """The names in ['a', "b"], [a, b], {'a', 'b'} or ('a', 'b'); None for anything else."""
    if cell and not re.fullmatch(r'[\[{(].*[\])}]', cell):
        return None
    try:
        value = yaml.load('[' + cell[1:-1] + ']' if cell else '[]', yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError):
        return None
    return value if all(isinstance(name, str) for name in value) else None


def suspicions(names: Sequence[str]) -> Iterator[str]:
    """Class names that look like something else, in words."""
    for sign in SEPARATORS:
        multiple, known = _parts(names, sign)
        split = {n: parts for n, parts in multiple.items() if all(p in known for p in parts)}
        if split or (multiple and sign in LIST_SIGNS):
            name, parts = next(iter((split or multiple).items()))
            count = f' ({len(split or multiple)} such names)' if len(split or multiple) > 1 else ''
            told = f'class {name!r} looks like the classes {" and ".join(map(repr, parts))}{count}'
            yield f'{told}: if {sign!r} separates labels, set own.separator={sign!r}'
    odd = [name for name in names if name.lower() in EMPTY or re.match(r'[\[{(]', name)]
    if odd:
        yield f'class names that look like an empty cell or a list: {some(map(repr, odd))}'
    images = [name for name in names if Path(name).suffix.lower() in ENDINGS]
    if images:
        yield f'class names that look like images: {some(images, 3)}; the file comes first'
    if names and set(names) <= STATES.keys():
        yield f'the classes are {some(names)}: with one column for each class, name it in a header'
