"""What all multi-label data sets share: labels to vectors."""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from unicodedata import normalize

from mmengine.logging import print_log

from .annotations import (
    AnnotationError,
    Labels,
    composed,
    listed_again,
    repeated,
    some,
    unknown_labels,
)
from .checked_images import CheckedImages
from .label_table import LabelTable

DIFFICULT = {'positive': 1, 'negative': 0, 'ignore': -1}
UNLISTED = {'negative': 0, 'unknown': -1}
MOST_PROBLEMS = 1000  # faults of annotations after which they are not read any further


class MultiLabelPhotos(CheckedImages):
    """Base of the data sets: a reader gives class names, this makes label vectors of them.

    A layout of its own needs one method, `read_labels`. An item holds `img_path`, `gt_label` (the
    indices of the positive classes), `gt_score`, int8 of shape (K,): 1 positive, 0 negative, -1
    unknown, which counts neither way; and `crop` where the sample is a part of the image. The class
    names, in the order of the vector, are `metainfo['classes']`. Labels are kept sparse
    (`LabelTable`), in arrays that the data loader's workers share.

    Args:
        classes: names in the order wanted, or a file with one name a line. None: all classes of
            the data, in the order that the subclass documents. Give a test set the training set's
            classes, so that both number them alike; a label outside them is an error.
        difficult: what a class becomes where only difficult objects of it are seen: 'positive',
            'negative' or 'ignore' (-1).
        unlisted: 'negative' or 'unknown' (-1), the classes that an image does not list.
        kwargs: `CheckedImages` and mmpretrain's `BaseDataset` (data_prefix, metainfo, ...).

    Raises:
        FileNotFoundError: the data root, the annotations or listed images are not there.
        ValueError: the annotations are wrong, a label is not in `classes`, images are unreadable.
        OSError: an image vanished or broke after that, under 'stop'.
    """

    merges_parts = False  # whether an image that is listed again adds labels, and is no fault

    def __init__(
        self,
        ann_file: str = '',
        data_root: str = '',
        difficult: str = 'positive',
        unlisted: str = 'negative',
        **kwargs,
    ):
        if difficult not in DIFFICULT:
            raise ValueError(f'difficult={difficult!r}: expected one of {", ".join(DIFFICULT)}')
        if unlisted not in UNLISTED:
            raise ValueError(f'unlisted={unlisted!r}: expected one of {", ".join(UNLISTED)}')
        stated, classes = (kwargs.get('metainfo') or {}).get('classes'), kwargs.get('classes')
        if stated and isinstance(classes, (list, tuple)) and list(stated) != list(classes):
            raise ValueError(f'classes: seen {some(classes)}, but metainfo.classes: {some(stated)}')
        self.difficult = difficult
        self.unlisted = unlisted
        self.problems: list[str] = []  # faults of the annotations, which stop the run
        kwargs['serialize_data'] = False  # a LabelTable is compact
        super().__init__(ann_file=ann_file, data_root=os.path.expanduser(data_root), **kwargs)

    def read_labels(self) -> tuple[Sequence[str] | set[str], Iterable[Labels]]:
        """(class names, labels of every image) as the annotations have them.

        Names are in order, or a set that is complete once the images have been read: they are
        sorted. Paths may start from `img_prefix`.
        """
        raise NotImplementedError(f'{type(self).__name__} must say how its labels are read')

    def policy(self) -> str:
        """What becomes of labels that the annotations do not state, for the log."""
        return f'labels that are not listed are {self.unlisted} (unlisted)'

    def with_boxes(self, images: list[Labels]) -> list[Labels]:
        """`images` with the boxes that reading the labels did not need, for checks."""
        return images

    def read(self) -> tuple[list[str], list[Labels]]:
        """`read_labels`, names in Unicode's composed form, images as they are named on the disk."""
        names, images = self._stream()
        images = list(images)
        found = self._locate(lambda i: images[i].img_path, len(images))
        return self._composed(names), list(_renamed(images, found))

    def _stream(self) -> tuple[Sequence[str] | set[str], Iterator[Labels]]:
        """`read_labels`, names of labels composed and paths in full, image by image."""
        if self.data_root and not os.path.isdir(self.data_root):
            raise self.not_found('data root', self.data_root)
        if self.ann_file and not os.path.isfile(self.ann_file):
            raise self.not_found('annotation file', self.ann_file)
        self.notes.clear()
        self.problems.clear()
        names, images = self.read_labels()
        return names, (composed(labels, self.img_prefix) for labels in images)

    def _composed(self, names: Iterable[str]) -> list[str]:
        """The names of classes, each once."""
        names = sorted(names) if isinstance(names, set) else names
        names = list(dict.fromkeys(normalize('NFC', name) for name in names))
        if unseen := [ascii(name) for name in names if not name.isprintable()]:
            self.notes.append(f'class names with characters that cannot be seen: {some(unseen)}')
        return names

    def fault(self, where: str, text: str, seen: object = None) -> None:
        """Note a fault of the annotations; too many end the reading."""
        self.problems.append(f'{where}: {text}' + ('' if seen is None else f', seen {seen}'))
        if len(self.problems) >= MOST_PROBLEMS:
            raise AnnotationError(*self.problems)

    def load_data_list(self) -> LabelTable:
        """Turn the names of labels into columns of a table; sets `metainfo['classes']`."""
        names, images = self._stream()
        stated = self._metainfo.get('classes')
        known = stated or (() if isinstance(names, set) else self._composed(names))
        known = {normalize('NFC', name): k for k, name in enumerate(known)}
        table, columns = LabelTable(UNLISTED[self.unlisted]), {}
        for labels in images:
            table.append(labels.img_path, self._pairs(labels, known, columns), labels.crop)
            if len(self.problems) >= MOST_PROBLEMS:
                break
        where = self.ann_file or self.data_root
        classes = tuple(normalize('NFC', c) for c in stated or self._composed(names))
        found = self._locate(table.path, len(table))
        twice = table.repeated_paths(found)
        if twice and not self.merges_parts and len(self.problems) < MOST_PROBLEMS:
            kept, again = list(self.problems), _renamed(self._stream()[1], found)
            self.problems[:] = kept + list(listed_again(i for i in again if i.img_path in twice))
        if self.problems:
            raise AnnotationError(*self.problems)
        if not classes:
            raise ValueError(f'{where}: no class, seen no label at all')
        if again := repeated(classes):
            raise ValueError(f'classes: expected each once, more than once: {some(again)}')
        self._metainfo['classes'] = classes
        index = {name: i for i, name in enumerate(classes)}
        table.renumber([index[name] for name in columns], len(classes))
        if found:
            table = table.keep(range(len(table)), found)
        if twice:
            self.notes.append(f'{len(twice)} images are listed in parts, e.g. {min(twice)}')
            table = table.merged(twice)
        self.notes += self._differences(table)
        self.positives = dict(zip(classes, table.counts().tolist()))
        print_log(f'{where}: {self.policy()}', 'current')
        for note in self.notes:
            print_log(f'{where}: {note}', 'current', logging.WARNING)
        return table

    def _differences(self, table: LabelTable) -> Iterator[str]:
        """In words, the images that are listed under two names with different labels."""
        rows = {table.path(row): row for row in range(len(table) if self.aliases else 0)}
        scores = ([table[rows[path]]['gt_score'] for path in pair] for pair in self.aliases)
        differ = [pair for pair, (a, b) in zip(self.aliases, scores) if (a != b).any()]
        if differ:
            told = f'{len(differ)} images are listed under two names with different labels'
            yield f'{told}: {some(map(" = ".join, differ), 3)}'

    def _pairs(
        self, labels: Labels, known: dict[str, int], columns: dict[str, int]
    ) -> Iterable[tuple[int, int]]:
        """The (column, 1 | 0 | -1) of an image; `columns` grows by the names that are new."""
        values, number = {}, 0
        for names, value in ((labels.unknown, -1), (labels.absent, 0), (labels.present, 1)):
            values.update(dict.fromkeys(names, value))
            number += len(names)
        if number > len(values):
            twice = repeated([*labels.unknown, *labels.absent, *labels.present])
            self.fault(labels.where, f'a class in two states: {some(sorted(twice))}')
        for name in labels.difficult:
            values.setdefault(name, DIFFICULT[self.difficult])
        if known and not values.keys() <= known.keys():
            self.problems += unknown_labels([labels], known)
            return ()
        return [(columns.setdefault(name, len(columns)), v) for name, v in values.items()]


def _renamed(images: Iterable[Labels], names: dict[str, str]) -> Iterator[Labels]:
    for labels in images:
        yield labels._replace(img_path=names.get(labels.img_path, labels.img_path))
