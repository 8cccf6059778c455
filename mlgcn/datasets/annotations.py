"""What annotation files say of their images: records, reading text and json, common checks."""

import csv
import json
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

import yaml

from mlgcn.messages import some

YAML = ('.yaml', '.yml')


class Box(NamedTuple):
    """An annotated object."""

    name: str
    corners: tuple[float, ...] | None  # left, top, right, bottom; None: not stated
    where: str  # its place in the annotations of the image
    area: float = float('nan')  # of the object's mask in pixels, where it is stated


class Labels(NamedTuple):
    """What an annotation file says of one image."""

    img_path: str
    present: Collection[str]
    difficult: Collection[str] = ()  # classes of which only difficult objects are seen
    where: str = ''  # file and line, id or record
    boxes: Sequence[Box] = ()
    size: tuple[int, int] | None = None  # stated width and height
    absent: Collection[str] = ()  # classes that were looked for and not seen
    unknown: Collection[str] = ()  # classes of which nobody can say
    crop: tuple[float, ...] | None = None  # left, top, right, bottom: the sample is this part


class AnnotationError(ValueError):
    """Faults of an annotation file, `args`: 'place: text'. The message has ten texts at most."""

    def __str__(self) -> str:
        places: dict[str, list[str]] = {}
        for fault in self.args:
            place, colon, text = fault.partition(': ')
            places.setdefault(colon + text, []).append(place)
        return some((some(found, 3) + text for text, found in places.items()), sep='; ')


def repeated(values: Iterable) -> list:
    """The values that occur more than once."""
    return [value for value, number in Counter(values).items() if number > 1]


def four_numbers(values: Iterable) -> tuple[float, ...]:
    """The four numbers of a box; NaN where `values` are something else."""
    try:
        left, top, third, fourth = map(float, values)
    except (TypeError, ValueError):
        return (float('nan'),) * 4
    return left, top, third, fourth


def text_lines(path: str | Path) -> Iterator[str]:
    """The lines of a text file in UTF-8, with or without a byte order mark, one by one."""
    with open(path, 'rb') as file:
        start = file.read(4)
    if start == b'PK\x03\x04':
        raise AnnotationError(f'{path}: expected UTF-8 text, seen a workbook or zip archive')
    try:
        with open(path, encoding='utf-8-sig') as file:
            for line in file:
                if '\0' in line:
                    break
                yield line
            else:
                return
    except UnicodeDecodeError as error:
        if not start.startswith((b'\xff\xfe', b'\xfe\xff')):
            seen = error.object[error.start]  # in one of the pieces that are read
            line = Path(path).read_bytes().partition(error.object)[0].count(b'\n')
            line += error.object.count(b'\n', 0, error.start) + 1
            told = f'expected UTF-8 text, seen the byte 0x{seen:02x}; save it as UTF-8'
            raise AnnotationError(f'{path}, line {line}: {told}') from None
    seen = 'UTF-16, or zero bytes of a damaged file'
    raise AnnotationError(f'{path}: expected UTF-8 text, seen {seen}; save it as UTF-8')


def read_text(path: str | Path) -> str:
    """A text file in UTF-8, with or without a byte order mark."""
    return ''.join(text_lines(path))


def numbered_lines(path: str | Path) -> Iterator[tuple[str, str]]:
    """('FILE, line N', line without spaces around it) of a text file, but for empty lines."""
    for number, line in enumerate(text_lines(path), 1):
        if line := line.strip():
            yield f'{path}, line {number}', line


def csv_rows(
    path: str | Path, lines: Iterable[str] | None = None, **form: Any
) -> Iterator[tuple[str, list[str]]]:
    """('FILE, line N', cells) of a CSV, row by row; of its `lines`, if they were read before."""
    reader = csv.reader(text_lines(path) if lines is None else lines, strict=True, **form)
    try:
        yield from ((f'{path}, line {reader.line_num}', row) for row in reader if row)
    except csv.Error as error:
        raise AnnotationError(f'{path}, line {reader.line_num}: {error}') from None


def read_json(file: str | Path) -> Any:
    """The content of a json file, or of one in YAML.

    Raises:
        AnnotationError: neither, or an object has a key twice, of which Python keeps the last.
    """

    def as_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            twice = repeated(key for key, _ in pairs)
            raise ValueError(f'an object has the key {some(map(repr, twice))} more than once')
        return content

    text, is_yaml = read_text(file), str(file).lower().endswith(YAML)
    try:
        return read_yaml(text) if is_yaml else json.loads(text, object_pairs_hook=as_dict)
    # ValueError: also numbers of too many digits
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        kind = 'YAML' if is_yaml else 'json'
        raise AnnotationError(f'{file}: expected {kind}, but {error}') from None


def read_yaml(text: str) -> Any:
    """The content of YAML text; ValueError for aliases, which can make it endless."""
    loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
    if '*' in text and any(isinstance(t, yaml.AliasToken) for t in yaml.scan(text, loader)):
        raise ValueError('it has aliases (*name)')
    return yaml.load(text, loader)


def row_fault(row: Any, keys: dict[str, type | tuple[type, ...]]) -> str:
    """What a json object lacks of `keys` and their types, in words; '' for nothing."""
    for key, kind in keys.items():
        value = row.get(key) if isinstance(row, dict) else None
        if not isinstance(value, kind) or isinstance(value, bool):
            kinds = ' or '.join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
            return f"expected the key '{key}' with {kinds}, seen {str(row)[:80]}"
    return ''


def by_state(names: Sequence[str], states: Sequence[int | None]) -> tuple[set[str], ...]:
    """The names whose state is 1 (present), 0 (absent) and -1 (unknown)."""
    return tuple({n for n, s in zip(names, states) if s == state} for state in (1, 0, -1))


def composed(labels: Labels, folder: str) -> Labels:
    """Class names in Unicode's composed form, so that equal ones are equal; the path in full."""
    kinds = labels.present, labels.difficult, labels.absent, labels.unknown
    present, difficult, absent, unknown = ({normalize('NFC', n) for n in kind} for kind in kinds)
    path = os.path.normpath(os.path.join(folder, labels.img_path))
    return Labels(path, present, difficult, *labels[3:6], absent, unknown, labels.crop)


def contradictions(lists: Sequence[tuple[Collection[str], Iterable[Labels]]]) -> Iterator[str]:
    """In words, each image to which a list, (its classes, its images), gives other labels than one
    before, as to the classes that both know."""
    first: dict[str, tuple[Collection[str], Labels]] = {}
    for names, images in lists:
        for labels in images:
            others, known = first.setdefault(labels.img_path, (names, labels))
            differ = set(known.present) ^ set(labels.present) if others is not names else set()
            if differ := differ & set(names) & set(others):
                told = f'{labels.img_path} in two lists that differ in {some(sorted(differ))}'
                yield f'{told}: {known.where}; {labels.where}'


def listed_again(images: Iterable[Labels]) -> Iterator[str]:
    """Each image (or part of one) that is listed for the second time, in words."""
    first: dict[tuple, Labels] = {}
    for labels in images:
        known = first.setdefault((labels.img_path, labels.crop), labels)
        if known is not labels:
            one, other = (some(sorted(i.present)) or 'no label' for i in (known, labels))
            same = known[1:3] + known[6:8] == labels[1:3] + labels[6:8]
            how = 'the same labels' if same else f'different labels ({one}; {other})'
            # the second place without the folder: long messages are cut
            again = labels.where.removeprefix(os.path.dirname(known.where.partition(', ')[0]) + '/')
            yield f'{labels.img_path} a second time with {how}: {known.where}; {again}'


def unknown_labels(images: Iterable[Labels], classes: Collection[str]) -> Iterator[str]:
    """Each image with a label outside `classes`, in words."""
    known = set(classes)
    for labels in images:
        named = {*labels.present, *labels.difficult, *labels.absent, *labels.unknown}
        if named - known:
            told = f'unknown class {some(sorted(named - known))}'
            yield f'{labels.where}: {told}; the {len(known)} known classes: {some(classes)}'
