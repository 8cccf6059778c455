"""Image labels from a spreadsheet."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from mlgcn.registry import DATASETS

from .annotations import Labels
from .base import MultiLabelPhotos


@DATASETS.register_module()
class CsvMultiLabel(MultiLabelPhotos):
    """A CSV file with the lines `file,label1|label2`; no label at all is allowed: `file,`.

    A first line whose first cell has no file ending (`file,labels`) is a header. Names with
    commas stand in double quotes. The classes are the labels found, sorted.

    Args:
        ann_file: the CSV in UTF-8, relative to `data_root`.
        kwargs: `MultiLabelPhotos`, with `data_prefix` the folder that the file names start from.
    """

    def read_labels(self) -> tuple[Sequence[str], list[Labels]]:
        """The sorted labels, and the images in the file's order."""
        if not os.path.isfile(self.ann_file):
            raise self.not_found('label file', self.ann_file)
        images: dict[str, Labels] = {}
        for where, file, cell in self._rows():
            if file in images:
                raise ValueError(f'{where}: {file!r} a second time, first in {images[file].where}')
            present = {label.strip() for label in cell.split('|')} - {''}
            images[file] = Labels(os.path.join(self.img_prefix, file), present, where=where)
        names = {label for labels in images.values() for label in labels.present}
        return sorted(names), list(images.values())

    def _rows(self):
        """(place, file name, labels) of each line but the header and empty ones."""
        try:
            with open(self.ann_file, encoding='utf-8-sig', newline='') as file:
                reader = csv.reader(file, skipinitialspace=True, strict=True)
                for i, row in enumerate(row for row in reader if any(map(str.strip, row))):
                    where = f'{self.ann_file}, line {reader.line_num}'
                    if len(row) != 2 or not row[0].strip():
                        raise ValueError(f"{where}: expected 'file,label1|label2', seen {row}")
                    if i or Path(row[0].strip()).suffix:
                        yield where, row[0].strip(), row[1]
        except UnicodeDecodeError as error:
            raise ValueError(f'{self.ann_file}: expected UTF-8 text, but {error}') from None
        except csv.Error as error:
            raise ValueError(f'{self.ann_file}, line {reader.line_num}: {error}') from None
