"""Image labels from a spreadsheet."""

import csv
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import compress
from pathlib import Path

import yaml

from mlgcn.registry import DATASETS

from . import foreign_files, image_io
from .annotations import AnnotationError, Labels, read_text, repeated, some
from .base import MultiLabelPhotos

ENDINGS = image_io.ENDINGS | foreign_files.ENDINGS
HEADS = {'file', 'filename', 'file_name', 'image', 'img', 'path', 'name', 'id', 'image_id', 'photo'}
LABELS = {'label', 'labels', 'class', 'classes', 'tag', 'tags', 'category', 'target'}
EMPTY = {'nan', 'none', 'null', 'n/a', 'na', '<na>', '[]', '{}'}  # what programs write for no label
ON_OFF = {'0': False, '1': True, '0.0': False, '1.0': True, 'false': False, 'true': True}
LIST_SIGNS = ';,｜；，、'  # which hardly any name of a class has
SEPARATORS = (*LIST_SIGNS, '|', '/', '+', '&', '\t', ' ', '_', '-', ':', '.')


@DATASETS.register_module()
class CsvMultiLabel(MultiLabelPhotos):
    r"""A CSV file with the lines `file,label1|label2`; no label at all is allowed: `file,`.

    Names with commas stand in double quotes. The classes are the labels found, sorted. Columns may
    be separated by `,`, `;` or tabs (or as Excel's first line `sep=;` says). A first line that can
    be no image is a header. With a header and one column of 0 and 1 for each class, those are the
    labels. What was found out rather than stated is in `notes`, which are logged.

    Args:
        ann_file: the CSV in UTF-8, relative to `data_root`.
        separator: between the labels of a cell. '': `|`; else `;` or `,` where every part is a
            label elsewhere, and Python's or JSON's lists.
        kwargs: `MultiLabelPhotos`, with `data_prefix` the folder that the file names start from.
    """

    def __init__(self, ann_file: str, separator: str = '', **kwargs):
        self.separator = separator
        super().__init__(ann_file=ann_file, **kwargs)

    def read_labels(self) -> tuple[Sequence[str], list[Labels]]:
        """The sorted labels, and the images in the file's order."""
        rows = self._rows()
        head = rows.pop(next(iter(rows))) if self._is_header(*rows.values()) else []
        if head:
            self.notes.append(f'the first line is taken for a header: {",".join(head)}')
        cells = [cell.lower() in ON_OFF for row in rows.values() for cell in row[1:]]
        is_one_hot = len(head) > 1 and head[1].lower() not in LABELS and sum(cells) > len(cells) / 2
        columns = head[1:] if is_one_hot else []
        odd = repeated(columns) + [name for name in columns if not name]
        if odd:
            told = (
                f'header: expected a class for each column, each once, seen {some(map(repr, odd))}'
            )
            self.problems.append(f'{self.ann_file}, {told}')
        for at, row in list(rows.items()):
            if fault := _column_fault(row, head) if columns else self._fault(row):
                self.problems.append(f'{self.ann_file}, {at}: {fault}')
                del rows[at]
        if columns:
            self.notes.append(f'one column of 0 and 1 for each class: {some(columns)}')
            found = [
                compress(columns, map(ON_OFF.get, map(str.lower, row[1:]))) for row in rows.values()
            ]
            names = columns
        else:
            found = self._split([row[1] for row in rows.values()])
            names = sorted({name for labels in found for name in labels})
            self.notes += suspicions(names)
        wheres = [f'{self.ann_file}, {at}' for at in rows]
        found = zip(rows.values(), found, wheres)
        return names, [Labels(row[0], set(labels), where=where) for row, labels, where in found]

    def _rows(self) -> dict[str, list[str]]:
        """{'line N': cells without spaces around them} of all lines that are not empty."""
        lines = read_text(self.ann_file).splitlines(keepends=True)
        stated = re.match(r'"?sep=(.)"?\s*$', lines[0]) if lines else None
        if stated:
            lines[0] = '\n'
        delimiter = stated[1] if stated else max(',;\t', key=partial(self._fits, lines[:200]))
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
        try:
            rows = {f'line {reader.line_num}': [*map(str.strip, row)] for row in reader}
        except csv.Error as error:
            raise AnnotationError(f'{self.ann_file}, line {reader.line_num}: {error}') from None
        return {at: row for at, row in rows.items() if any(row)}

    def _fits(self, lines: list[str], delimiter: str) -> int:
        """On how many lines the delimiter comes behind an image."""
        starts = (line.split(delimiter)[0] for line in lines if delimiter in line)
        return sum(self._is_image(start.strip().strip('"')) for start in starts)

    def _is_image(self, cell: str) -> bool:
        is_file = os.path.isfile(os.path.join(self.img_prefix, cell))
        return is_file or Path(cell).suffix.lower() in ENDINGS

    def _is_header(self, first: Sequence[str] = ('',), *others: list[str]) -> bool:
        """Whether the first line can be no image, and names columns or differs from the others."""
        if not first[0] or any(map(self._is_image, first)):
            return False
        if first[0].lower() in HEADS:
            return True
        labels = {cell for row in others for cell in row[1:]}
        if labels & set(first[1:]) or not any(self._is_image(row[0]) for row in others):
            return False
        # an image whose ending was forgotten, or one of an address
        folder, name = os.path.split(os.path.join(self.img_prefix, first[0].partition('?')[0]))
        files = map(Path, os.listdir(folder) if os.path.isdir(folder) else ())
        stems = {file.stem for file in files if file.suffix.lower() in ENDINGS}
        return name not in stems and Path(name).suffix.lower() not in ENDINGS

    def _fault(self, row: list[str]) -> str:
        """Why a line is not an image and its labels, and what else it may be; '' where it is."""
        if len(row) == 2 and row[0]:
            return ''
        hint = '; several labels stand in one cell' if len(row) > 2 else ''
        if any(map(self._is_image, row[1:])):
            hint = '; the file comes first, and names with commas stand in double quotes'
        elif hint and all(cell.lower() in ON_OFF for cell in row[1:]):
            hint = '; columns of 0 and 1 need a header with the names of the classes'
        return f"expected 'file,label1|label2', seen {row}{hint}"

    def _split(self, cells: list[str]) -> list[list[str]]:
        """The labels of each cell."""
        separator = self.separator or ('|' if any('|' in cell for cell in cells) else '')
        filled = [cell for cell in cells if cell]
        if not separator and filled and all(re.fullmatch(r'[\[{(].*[\])}]', c) for c in filled):
            lists = [_read_list(cell) for cell in cells]
            if None not in lists:
                self.notes.append(f'labels are read as lists: {filled[0]}')
                return lists
        for sign in ';,' if not separator else '':
            multiple, known = _parts(set(filled), sign)
            if multiple and all(part in known for parts in multiple.values() for part in parts):
                separator = sign
                self.notes.append(f'labels are separated by {sign!r}: {next(iter(multiple))}')
        parts = (cell.split(separator or '|') for cell in cells)
        return [[name.strip() for name in names if name.strip()] for names in parts]


def _parts(names: Collection[str], sign: str) -> tuple[dict[str, list[str]], set[str]]:
    """({name with the sign: its parts}, parts that are a name themselves or belong to several)."""
    multiple = {n: [p.strip() for p in n.split(sign) if p.strip()] for n in names if sign in n}
    multiple = {name: parts for name, parts in multiple.items() if len(parts) > 1}
    counts = Counter(part for parts in multiple.values() for part in set(parts))
    return multiple, {p for p, n in counts.items() if n > 1} | (set(names) - multiple.keys())


def _read_list(cell: str) -> list[str] | None:
    """The names in ['a', "b"], [a, b], {'a', 'b'} or ('a', 'b'); None for anything else."""
    try:
        value = yaml.load('[' + cell[1:-1] + ']' if cell else '[]', yaml.BaseLoader)
    except yaml.YAMLError:
        return None
    return value if all(isinstance(name, str) for name in value) else None


def _column_fault(row: list[str], head: list[str]) -> str:
    wrong = [cell for cell in row[1:] if cell.lower() not in ON_OFF]
    if wrong:
        return f'expected 0 or 1 in the columns of classes, seen {some(map(repr, wrong))}'
    same = len(row) == len(head)
    return '' if same else f'expected {len(head)} cells as in the header, seen {len(row)}'


def suspicions(names: Sequence[str]) -> Iterator[str]:
    """Class names that look like something else, in words."""
    for sign in SEPARATORS:
        multiple, known = _parts(names, sign)
        split = {n: parts for n, parts in multiple.items() if all(p in known for p in parts)}
        if split or (multiple and sign in LIST_SIGNS):
            name, parts = next(iter((split or multiple).items()))
            count = f' ({len(split or multiple)} such names)' if len(split or multiple) > 1 else ''
            yield (
                f'class {name!r} looks like the classes {" and ".join(map(repr, parts))}{count}: '
                f'if {sign!r} separates labels, set own.separator={sign!r}'
            )
    odd = [name for name in names if name.lower() in EMPTY or re.match(r'[\[{(]', name)]
    if odd:
        yield f'class names that look like an empty cell or a list: {some(map(repr, odd))}'
    if names and set(names) <= ON_OFF.keys():
        yield f'the classes are {some(names)}: with one column for each class, name it in a header'
