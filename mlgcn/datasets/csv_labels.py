"""Image labels from a spreadsheet."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path

from mlgcn.messages import some
from mlgcn.registry import DATASETS

from . import foreign_files, image_io
from .annotations import AnnotationError, Labels, by_state, csv_rows, repeated, text_lines
from .base import MultiLabelPhotos
from .label_cells import splitter, state, suspicions

ENDINGS = image_io.ENDINGS | foreign_files.ENDINGS
HEADS = {'file', 'image', 'img', 'photo', 'filename', 'path', 'name', 'id', 'url'}
HEADS |= {f'{what}{sign}{of}' for what in HEADS for sign in ('_', ' ', '') for of in HEADS}
LABELS = {'label', 'labels', 'class', 'classes', 'tag', 'tags', 'category', 'target'}
MARKS = {'-': 'absent', '?': 'unknown'}  # before a label
PEEK = 200_000  # cells by which the form of a file is found out


@DATASETS.register_module()
class CsvMultiLabel(MultiLabelPhotos):
    r"""A CSV file with the lines `file,label1|label2`; no label at all is allowed: `file,`.

    Names with commas stand in double quotes. The classes are the labels found, sorted. Columns may
    be separated by `,`, `;` or tabs (or as Excel's first line `sep=;` says). A first line that can
    be no image is a header. `-label` is verified to be absent, `?label` unknown. With a header and
    one column for each class, those are the labels: 1, 0, and -1 or nothing for unknown. What was
    found out rather than stated (from the first 100,000 lines) is in `notes`, which are logged.

    Args:
        ann_file: the CSV in UTF-8, relative to `data_root`.
        separator: between the labels of a cell. '': `|`; else `;` or `,` where every part is a
            label elsewhere, and Python's or JSON's lists.
        unlisted: of `MultiLabelPhotos`. '': 'unknown' where labels are marked as absent, else
            'negative'.
        group: a column that is no label, but names the occasion: `groups`, {image: occasion}.
        kwargs: `MultiLabelPhotos`, with `data_prefix` the folder that the file names start from.
    """

    def __init__(
        self, ann_file: str, separator: str = '', unlisted: str = '', group: str = '', **kwargs
    ):
        self.group, self.groups = group, dict[str, str]()
        self.separator, self.is_stated = separator, bool(unlisted)
        super().__init__(ann_file=ann_file, unlisted=unlisted or 'negative', **kwargs)

    def read_labels(self) -> tuple[Sequence[str] | set[str], Iterator[Labels]]:
        """The sorted labels or the columns, and the images in the file's order."""
        rows, number = [], 0
        for _, row in self._rows():
            rows.append(row)
            number += len(row)
            if number >= PEEK:
                break
        head = rows.pop(0) if self._is_header(*rows) else []
        if head:
            self.notes.append(f'the first line is taken for a header: {",".join(head)}')
        cells = [cell.lower() for row in rows for cell in row[1:]]
        states = [cell for cell in cells if state(cell) is not None]
        filled = any(cell not in ('', 'nan') for cell in states)
        is_one_hot = len(head) > 1 and head[1].lower() not in LABELS and filled
        columns = head[1:] if is_one_hot and len(states) > len(cells) / 2 else []
        odd = repeated(columns) + [name for name in columns if not name]
        if odd:
            told = 'expected a class for each column, each once'
            self.fault(f'{self.ann_file}, header', told, some(map(repr, odd)))
        if columns:
            self.notes.append(f'one column of 1, 0, -1 for each class: {some(columns)}')
            return columns, self._columns(columns)
        cells = [row[1] for row in rows if not self._fault(row)]
        split = splitter(cells, self.separator, self.notes)
        if not self.is_stated:
            labels = (label for row in rows if len(row) == 2 for label in split(row[1]) or ())
            absent = any(label[:1] == '-' and len(label) > 1 for label in labels)
            self.unlisted = 'unknown' if absent else 'negative'
        names: set[str] = set()
        return names, self._cells(bool(head), split, names)

    def _columns(self, columns: list[str]) -> Iterator[Labels]:
        """The images of a file with one column for each class."""
        empty, has_absent = 0, False
        for where, row in islice(self._rows(), 1, None):
            states = [state(cell.lower()) for cell in row[1:]]
            empty += row.count('')
            has_absent = has_absent or 0 in states
            if None in states:
                wrong = [cell for cell in row[1:] if state(cell.lower()) is None]
                told = 'expected 1, 0, -1 or nothing in the columns of classes'
                self.fault(where, told, some(map(repr, wrong)))
            elif len(states) != len(columns) or not row[0]:
                told = f'expected an image and {len(columns)} cells as in the header'
                self.fault(where, told, f'{some(row, 3)} ({len(row)} cells)')
            else:
                present, absent, unknown = by_state(columns, states)
                yield Labels(row[0], present, (), where, absent=absent, unknown=unknown)
        if empty:
            self.notes.append(f'{empty} empty cells are unknown; fill them with 0 if they mean no')
        if not has_absent:
            self.notes.append('no cell is 0: nothing is known to be absent, and -1 is unknown')

    def _cells(
        self, has_head: bool, split: Callable[[str], list[str] | None], names: set[str]
    ) -> Iterator[Labels]:
        """The images of a file with all labels in one cell; `names` grows by the labels."""
        marked = Counter()
        for where, row in islice(self._rows(), has_head, None):
            labels = None if self._fault(row) else split(row[1])
            if labels is None:
                self.fault(where, self._fault(row) or f'expected a list, seen {row[1]!r}')
                continue
            found = {'': set(labels), '-': set(), '?': set()}
            for label in labels if '-' in row[1] or '?' in row[1] else ():
                if label[0] in MARKS and len(label) > 1:
                    found[''].discard(label)
                    found[label[0]].add(label[1:].strip())
                    marked[label[0]] += 1
            names.update(*found.values())
            yield Labels(row[0], found[''], (), where, absent=found['-'], unknown=found['?'])
        for mark, number in marked.items():
            self.notes.append(f'{number} labels with {mark} are {MARKS[mark]}')
        self.notes += suspicions(sorted(names))

    def _rows(self) -> Iterator[tuple[str, list[str]]]:
        """('FILE, line N', cells without spaces around them) of the lines that are not empty."""
        lines = text_lines(self.ann_file)
        start = list(islice(lines, 200))
        stated = re.match(r'"?sep=(.)"?\s*$', start[0]) if start else None
        if stated:
            start[0] = '\n'
        delimiter = stated[1] if stated else max(',;\t', key=partial(self._fits, start))
        form = dict(delimiter=delimiter, skipinitialspace=True)
        place = None  # of the column that names the occasion
        for where, row in csv_rows(self.ann_file, chain(start, lines), **form):
            if not any(cells := [*map(str.strip, row)]):
                continue
            if self.group:
                place = self._place(cells) if place is None else place
                path = os.path.normpath(os.path.join(self.img_prefix, cells[0]))
                self.groups[path] = ''.join(cells[place : place + 1])
                del cells[place : place + 1]
            yield where, cells

    def _place(self, head: list[str]) -> int:
        """The place of the column `group` in the first line."""
        if self.group not in head[1:]:
            told = f'no column {self.group} (own.group) in {",".join(head)}'
            raise AnnotationError(f'{self.ann_file}: {told}')
        return head.index(self.group)

    def _fits(self, lines: list[str], delimiter: str) -> int:
        """On how many lines the delimiter comes behind an image."""
        starts = (line.split(delimiter)[0] for line in lines if delimiter in line)
        return sum(self._is_image(start.strip().strip('"')) for start in starts)

    def _is_image(self, cell: str) -> bool:
        path = os.path.join(self.img_prefix, cell)
        return Path(cell).suffix.lower() in ENDINGS or bool(cell) and os.path.exists(path)

    def _is_header(self, first: Sequence[str] = ('',), *others: list[str]) -> bool:
        """Whether the first line can be no image, and names columns or differs from the others."""
        parts = [part for cell in first for part in re.split('[;,\t]', cell)]
        if not first[0] or any(map(self._is_image, {*first, *parts})):
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
        elif hint and all(state(cell.lower()) is not None for cell in row[1:]):
            hint = '; columns of 0 and 1 need a header with the names of the classes'
        return f"expected 'file,label1|label2', seen {row}{hint}"
