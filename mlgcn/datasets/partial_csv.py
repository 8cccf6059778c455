"""Tables of labels that are present, absent or unknown: Open Images, MIIL's lists, CheXpert.

Rows are read one by one: these files have up to 57 million.
"""

import ast
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from mlgcn.messages import some

from .annotations import AnnotationError, Labels, csv_rows, read_text, repeated
from .base import MultiLabelPhotos

OPEN_IMAGES = ['ImageID', 'Source', 'LabelName', 'Confidence']
TRAINABLE = 'oidv6-classes-trainable.txt'
VERIFIED = {'1': 1, '1.0': 1, '0': 0, '0.0': 0}
CHEXPERT = ['Path', 'Sex', 'Age', 'Frontal/Lateral', 'AP/PA']  # then one column for a class
CHEXPERT_VALUES = {'1.0': 1, '1': 1, '0.0': 0, '0': 0, '-1.0': -1, '-1': -1, '': None}


def header(rows: Iterator[tuple[str, list[str]]], file: str, expected: list[str]) -> list[str]:
    """The first row, which must start with the `expected` cells."""
    where, head = next(rows, (f'{file}, line 1', []))
    if head[: len(expected)] != expected:
        raise AnnotationError(f'{where}: expected the header {expected}, seen {str(head)[:120]}')
    return head


def open_images(photos: MultiLabelPhotos) -> tuple[Sequence[str] | set[str], Iterable[Labels]]:
    """Open Images V6: an image for each run of rows; labels without a row are not listed.

    Labels that are not among the classes are left out, as are machine labels of the human file.
    """
    beside, classes = Path(photos.ann_file).with_name(TRAINABLE), photos.stated_classes
    if not classes and beside.is_file():
        classes = read_text(beside).split()
        wrong = [repr(name[:80]) for name in classes if name[0] != '/']
        if not classes or wrong or (wrong := repeated(classes)):
            told = 'expected each class once, as /m/011k07'
            raise AnnotationError(f'{beside}: {told}, seen {some(wrong, 3) or "no class"}')
        photos.notes.append(f'{len(classes)} classes are those of {TRAINABLE}')
    names = list(classes) or set()
    return names, _open_images(photos, names)


def _open_images(photos: MultiLabelPhotos, names: list[str] | set[str]) -> Iterator[Labels]:
    known, machine, disagree, left_out, kept = set(names), {}, [], 0, 0
    if photos.machine_file:
        file = os.path.join(photos.data_root, photos.machine_file)
        for image, rows in _runs(photos, file):
            sure = {label for _, label, p in rows if p >= photos.machine_confidence}
            machine.setdefault(image, set()).update(sure & known if known else sure)
    for image, rows in _runs(photos, photos.ann_file):
        seen = {1: set(), 0: set()}
        for source, label, confidence in rows:
            if source != 'machine' and (not known or label in known):
                seen[confidence].add(label)
            else:
                left_out += 1
        both = seen[0] & seen[1]
        kept += len(seen[0]) + len(seen[1])
        disagree += [f'{image} {label}' for label in sorted(both)]
        present = (seen[1] - both) | (machine.pop(image, set()) - seen[0] - both)
        if not known:
            names |= present | seen[0] | both
        where = f'{photos.ann_file}, image {image}'
        yield Labels(f'{image}.jpg', present, (), where, absent=seen[0] - both, unknown=both)
    for image, labels in machine.items():
        if not known:
            names |= labels
        yield Labels(f'{image}.jpg', labels, (), f'{photos.machine_file}, image {image}')
    if left_out and not kept:
        told = 'expected rows verified by humans, with a label of the classes'
        photos.fault(photos.ann_file, f'{told} ({some(names, 3)})', f'none in {left_out} rows')
    if left_out:
        told = 'rows of other classes, or of machines in the human file, are left out'
        photos.notes.append(f'{left_out} {told}')
    if disagree:
        told = f'{len(disagree)} labels have rows that disagree and are unknown'
        photos.notes.append(f'{told}, e.g. {disagree[0]}')


def _runs(photos: MultiLabelPhotos, file: str) -> Iterator[tuple[str, list[tuple]]]:
    """(image, [(source, label, confidence)]) of rows that follow each other."""

    def rows() -> Iterator[tuple]:
        lines = csv_rows(file)
        header(lines, file, OPEN_IMAGES)
        for where, row in lines:
            image, source, label, text = row if len(row) == 4 else ('', '', '', '')
            value = _probability(text) if source == 'machine' else VERIFIED.get(text)
            if image.isalnum() and label and value is not None:
                yield image, source, label, value
            else:
                told = 'expected image, source, label, Confidence 1 or 0 (machine: a fraction)'
                photos.fault(where, told, row[:5])

    for image, group in groupby(rows(), key=itemgetter(0)):
        yield image, [row[1:] for row in group]


def _probability(text: str) -> float | None:
    try:
        return float(text) if 0 <= float(text) <= 1 else None
    except ValueError:
        return None


def miil(photos: MultiLabelPhotos) -> tuple[set[str], Iterable[Labels]]:
    """MIIL's data.csv, by position: image, positive labels, negative ones (or none), split.

    The classes are the sorted labels of both splits.
    """
    names: set[str] = set()

    def images() -> Iterator[Labels]:
        splits = photos.splits('train', 'val')
        for number, (where, row) in enumerate(csv_rows(photos.ann_file)):
            if number == 0 and len(row) > 2 and not row[1].startswith('['):
                continue  # a header
            lists = [_names(cell) for cell in row[1:-1]]
            is_right = len(lists) in (1, 2) and None not in lists and row[0]
            if not is_right or row[-1] not in ('train', 'val'):
                told = "expected image, ['label', ...], ['absent', ...], train or val"
                photos.fault(where, told, str(row)[:120])
                continue
            present, absent = map(set, (*lists, [])[:2])
            names.update(present, absent)
            if row[-1] in splits:
                yield Labels(row[0], present, (), where, absent=absent)

    return names, images()


def _names(cell: str) -> list[str] | None:
    """The strings of a Python list, read as a literal; None for anything else."""
    # most lists, 20 times as fast: one kind of quotes, and nothing in it that means more
    if cell[:2] == "['" and cell[-2:] == "']" and '"' not in cell and '\\' not in cell:
        parts = cell[2:-2].split("', '")
        if all(parts) and not any("'" in part for part in parts):
            return parts
    try:
        value = ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    is_list = isinstance(value, list) and all(isinstance(name, str) and name for name in value)
    return value if is_list else None


def chexpert(photos: MultiLabelPhotos) -> tuple[list[str], list[Labels]]:
    """CheXpert: 1.0 present, 0.0 absent, -1.0 uncertain (`difficult`), blank not listed."""
    rows, images = csv_rows(photos.ann_file), []
    names = header(rows, photos.ann_file, CHEXPERT)[5:]
    if not all(names) or repeated(names):
        told = f'expected a class for each column, each once, seen {names}'
        raise AnnotationError(f'{photos.ann_file}, line 1: {told}')
    for where, row in rows:
        images += photos.coded(where, row[0], row[5:], CHEXPERT_VALUES, names)
    return names, images
