"""Labels of many images: in a few arrays that the data loader's workers share, and counted."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .annotations import Labels


class LabelTable(Sequence):
    """N images with labels of K classes; an item is a dict with `img_path`, `gt_label`, `gt_score`.

    Only labels that differ from `unlisted` are kept. There is no Python object for an image: forked
    workers would copy the memory of such objects as they count references to them.

    Args:
        unlisted: 0 or -1, the label of the classes that an image does not list.
    """

    def __init__(self, unlisted: int = 0) -> None:
        self.unlisted, self.num_classes = unlisted, 0
        self.text, self.text_ends = bytearray(), array('q', [0])  # the paths in UTF-8
        self.columns, self.values, self.ends = array('i'), array('b'), array('q', [0])
        self.crops = array('f')  # left, top, right, bottom of every image, or of none

    def append(
        self, path: str, labels: Iterable[tuple[int, int]], crop: Sequence[float] | None = None
    ) -> None:
        """Add an image and its (column, 1 | 0 | -1) pairs."""
        # names of files that are no UTF-8 come from Python as surrogates
        self.text += path.encode('utf-8', 'surrogatepass')
        self.text_ends.append(len(self.text))
        for column, value in labels:
            if value != self.unlisted:
                self.columns.append(column)
                self.values.append(value)
        self.ends.append(len(self.columns))
        self.crops.extend(crop or ())

    def renumber(self, columns: Sequence[int], num_classes: int) -> None:
        """Column i becomes `columns[i]`, of K = `num_classes`; called once, after all images."""
        self.num_classes = num_classes
        old = np.frombuffer(self.columns, np.int32)
        self.columns = np.array(columns, np.int32)[old] if len(old) else np.zeros(0, np.int32)
        self.values = np.array(self.values, np.int8)

    def __len__(self) -> int:
        return len(self.ends) - 1

    def path(self, row: int) -> str:
        start, end = self.text_ends[row : row + 2]
        return self.text[start:end].decode('utf-8', 'surrogatepass')

    def __getitem__(self, row: int | slice) -> Any:
        if isinstance(row, slice):
            return self.keep(range(*row.indices(len(self))))
        row = range(len(self))[row]  # negative ones too; IndexError beyond the end
        start, end = self.ends[row : row + 2]
        columns, values = self.columns[start:end], self.values[start:end]
        score = np.full(self.num_classes, self.unlisted, np.int8)
        score[columns] = values
        present = np.sort(columns[values == 1]).tolist()
        item = {'img_path': self.path(row), 'gt_label': present, 'gt_score': score}
        if self.crops:
            item['crop'] = tuple(self.crops[4 * row : 4 * row + 4])
        return item

    def keep(self, rows: Iterable[int], renamed: Mapping[str, str] = {}) -> 'LabelTable':
        """The table of these rows alone, with other paths where `renamed` has some."""
        new = LabelTable(self.unlisted)
        for row in rows:
            part = slice(self.ends[row], self.ends[row + 1])
            pairs = zip(self.columns[part].tolist(), self.values[part].tolist())
            path = self.path(row)
            new.append(renamed.get(path, path), pairs, self.crops[4 * row : 4 * row + 4])
        new.renumber(range(self.num_classes), self.num_classes)
        return new

    def counts(self) -> np.ndarray:
        """(K,): the images in which each class is positive."""
        return np.bincount(self.columns[self.values == 1], minlength=self.num_classes)

    def unlabelled(self) -> np.ndarray:
        """(N,) booleans: the images without a positive label."""
        positives = np.concatenate([[0], np.cumsum(self.values == 1)])
        return np.diff(positives[np.asarray(self.ends)]) == 0

    def repeated_paths(self, renamed: Mapping[str, str] = {}) -> set[str]:
        """The paths, or what they are renamed to, that occur more than once with the same crop."""
        paths = (renamed.get(path, path) for path in map(self.path, range(len(self))))
        # numbers, not strings: Open Images lists nine million paths
        keys = [hash((path, *self.crops[4 * i : 4 * i + 4])) for i, path in enumerate(paths)]
        _, first, number = np.unique(np.array(keys), return_index=True, return_counts=True)
        return {renamed.get(path, path) for path in map(self.path, first[number > 1])}

    def merged(self, twice: set[str]) -> 'LabelTable':
        """The table with the paths `twice` as one image each; labels that disagree become -1."""
        new, known = LabelTable(self.unlisted), {}
        for row in range(len(self)):
            path, part = self.path(row), slice(self.ends[row], self.ends[row + 1])
            pairs = list(zip(self.columns[part].tolist(), self.values[part].tolist()))
            if path not in twice:
                new.append(path, pairs)
                continue
            labels = known.setdefault(path, {})
            for column, value in pairs:
                labels[column] = value if labels.get(column, value) == value else -1
        for path, labels in known.items():
            new.append(path, labels.items())
        new.renumber(range(self.num_classes), self.num_classes)
        return new


def cooccurrence(images: Sequence[Labels], classes: Sequence[str]) -> np.ndarray:
    """(K, K) int64: the images that have both classes; on the diagonal, those that have the class.

    Difficult objects alone do not count, nor labels that are not among the K `classes`.
    """
    index = {name: k for k, name in enumerate(classes)}
    present = np.zeros((len(images), len(index)), np.float32)  # float: BLAS multiplies it
    for row, labels in zip(present, images):
        row[[index[name] for name in labels.present if name in index]] = 1
    return (present.T @ present).astype(np.int64)
