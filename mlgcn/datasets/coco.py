"""Image labels from COCO's object annotations."""

import json
import os
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO

from pycocotools.coco import COCO

from mlgcn.registry import DATASETS

from .base import Labels, MultiLabelPhotos, repeated, some

# What is read of each section of the file: the keys and their types.
KEYS = {
    'images': {'id': int, 'file_name': str},
    'annotations': {'id': int, 'image_id': int, 'category_id': int},
    'categories': {'id': int, 'name': str},
}


@DATASETS.register_module()
class CocoMultiLabel(MultiLabelPhotos):
    """An image has the classes of the objects annotated in it, crowds included.

    For `instances_*.json` of COCO and any file of that form, with any categories: all that are
    listed are classes, also those that no annotation has.
    Published systems differ in two conventions (COCO 2014: 82,783 train and 40,504 val images):

    * ADD-GCN: `class_order='name'` and `keep_unlabelled=False` (82,081 and 40,137 images);
    * GKGNet: `class_order='id'` and `keep_unlabelled=True` (all images).

    Args:
        ann_file: the json, relative to `data_root`.
        class_order: 'id' orders the classes by category id, 'name' alphabetically.
        keep_unlabelled: whether images without any annotation stay, with all classes negative.
        kwargs: `MultiLabelPhotos`, with `data_prefix` the folder of the images.
    """

    def __init__(
        self, ann_file: str, class_order: str = 'id', keep_unlabelled: bool = True, **kwargs
    ):
        if class_order not in ('id', 'name'):
            raise ValueError(f"class_order={class_order!r}: expected 'id' or 'name'")
        self.class_order = class_order
        self.keep_unlabelled = keep_unlabelled
        super().__init__(ann_file=ann_file, **kwargs)

    def read_labels(self) -> tuple[Sequence[str], list[Labels]]:
        """The categories in `class_order`, and the labels of the images in the file's order."""
        coco = self._read_index()
        name_of = {id_: category['name'] for id_, category in coco.cats.items()}
        images = []
        for id_, image in coco.imgs.items():
            present = {name_of[ann['category_id']] for ann in coco.imgToAnns.get(id_, ())}
            if present or self.keep_unlabelled:
                path = os.path.join(self.img_prefix, image['file_name'])
                images.append(Labels(path, present, where=f'{self.ann_file}, image id {id_}'))
        names = [name_of[id_] for id_ in sorted(name_of)]
        return (sorted(names) if self.class_order == 'name' else names), images

    def _read_index(self) -> COCO:
        """The file in pycocotools' index, after the checks that pycocotools does not make."""
        if not os.path.isfile(self.ann_file):
            raise self.not_found('annotation file', self.ann_file)
        coco = COCO()
        try:
            with open(self.ann_file, encoding='utf-8-sig') as file:
                coco.dataset = json.load(file)
        except ValueError as error:  # wrong json or not UTF-8
            raise ValueError(f'{self.ann_file}: expected json, but {error}') from None
        _check_form(coco.dataset, self.ann_file)
        _check_ids(coco.dataset, self.ann_file)
        with redirect_stdout(StringIO()):
            coco.createIndex()
        return coco

    def how_to_get(self) -> str:
        """The built-in scenes' command or COCO 2014's downloads, where the config asks for them."""
        if os.path.basename(os.path.normpath(self.data_root)) == 'scenes':
            return f'Draw the built-in data set with: mlgcn scenes {self.data_root}.'
        if not self.ann_file.endswith(('instances_train2014.json', 'instances_val2014.json')):
            return ''
        return (
            'For COCO 2014 download train2014.zip, val2014.zip and '
            'annotations_trainval2014.zip from https://cocodataset.org/#download and unzip them '
            f'in {self.data_root or "one folder"}, which then holds train2014/, val2014/ and '
            'annotations/.'
        )


def _check_form(data: object, file: str) -> None:
    """Raise a ValueError that names file and key unless the sections, keys and types are there."""
    if not isinstance(data, dict):
        raise ValueError(
            f'{file}: expected an object with the keys {", ".join(KEYS)}, '
            f'seen a {type(data).__name__}'
        )
    for section, keys in KEYS.items():
        rows = data.get(section)
        if not isinstance(rows, list):
            seen = f'the keys {some(data)}' if rows is None else str(rows)[:40]
            raise ValueError(f"{file}: expected a list under the key '{section}', seen {seen}")
        for i, row in enumerate(rows):
            for key, kind in keys.items():
                if not isinstance(row, dict) or not isinstance(row.get(key), kind):
                    raise ValueError(
                        f"{file}: expected the key '{key}' with an {kind.__name__} in "
                        f'{section}[{i}], seen {str(row)[:80]}'
                    )


def _check_ids(data: dict, file: str) -> None:
    """Raise a ValueError that names file and id unless ids are unique and refer to something."""
    for section, key in (('categories', 'id'), ('categories', 'name'), ('images', 'id')):
        twice = repeated(row[key] for row in data[section])
        if twice:
            raise ValueError(
                f"{file}: expected each '{key}' of {section} once, more than once: {twice}"
            )
    for section, key in (('images', 'image_id'), ('categories', 'category_id')):
        unknown = {ann[key] for ann in data['annotations']} - {row['id'] for row in data[section]}
        if unknown:
            raise ValueError(
                f'{file}: annotations have the {key} {some(sorted(unknown))}, which the list of '
                f'{section} lacks'
            )
