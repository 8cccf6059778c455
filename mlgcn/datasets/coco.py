"""Image labels from json files: COCO's object annotations, and mmpretrain's `data_list`."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mlgcn.registry import DATASETS

from .annotations import (
    AnnotationError,
    Box,
    Labels,
    four_numbers,
    read_json,
    repeated,
    row_fault,
    some,
)
from .base import MultiLabelPhotos

# What is read of each section of a COCO json: the keys and their types.
COCO_KEYS = {
    'images': {'id': int, 'file_name': str},
    'annotations': {'id': int, 'image_id': int, 'category_id': int},
    'categories': {'id': int, 'name': str},
}
BACKGROUND = ('background', 'ignore')  # also between underscores


class CocoFile(NamedTuple):
    """What a COCO json says."""

    names: list[str]  # the categories in order of their ids, without those of exporters
    images: list[Labels]  # in the file's order; `img_path` is the file's `file_name`
    notes: list[str]  # what was left out
    problems: list[str]  # faulty rows, which are left out too


def read_sections(
    file: str | Path, sections: Mapping[str, dict]
) -> tuple[dict[str, list[dict]], list[str]]:
    """({section: rows}, faults) of a json in COCO's form; rows that lack keys are left out.

    Raises:
        AnnotationError: not json, or a section is missing.
    """
    data = read_json(file)
    if not isinstance(data, dict):
        keys = ', '.join(sections)
        raise AnnotationError(f'{file}: expected an object with {keys}, seen a list or value')
    problems, rows = [], {}
    for section, keys in sections.items():
        if not isinstance(data.get(section), list):
            seen = str(data[section])[:40] if section in data else f'the keys {some(data)}'
            raise AnnotationError(f"{file}: expected a list under the key '{section}', seen {seen}")
        faults = [row_fault(row, keys) for row in data[section]]
        problems += [f'{fault} in {section}[{i}]' for i, fault in enumerate(faults) if fault]
        rows[section] = [row for row, fault in zip(data[section], faults) if not fault]
    problems += _wrong_ids(rows, data)
    return rows, [f'{file}: {problem}' for problem in problems]


def read_coco(file: str | Path) -> CocoFile:
    """Labels and boxes of a COCO json; crowds count like other objects.

    Left out are categories that an exporter added: without annotations, and named as the
    background or as the `supercategory` of others (Roboflow).

    Raises:
        AnnotationError: not json, or a section is missing.
    """
    rows, problems = read_sections(file, COCO_KEYS)
    names = dict(sorted((row['id'], row['name'].strip()) for row in rows['categories']))
    boxes = defaultdict(list)
    for row in rows['annotations']:
        if row['category_id'] in names:
            left, top, width, height = four_numbers(row.get('bbox', ()))
            corners = (left, top, left + width, top + height) if row.get('bbox') else None
            area = four_numbers((row.get('area'), 0, 0, 0))[0]  # NaN where it is no number
            box = Box(names[row['category_id']], corners, f'annotation id {row["id"]}', area)
            boxes[row['image_id']].append(box)
    images = []
    for row in rows['images']:
        found = boxes.get(row['id'], ())
        size = four_numbers((row.get('width'), row.get('height'), 1, 1))[:2]
        where, present = f'{file}, image id {row["id"]}', {box.name for box in found}
        # NaN and infinity, which json may hold, cannot be rounded
        size = tuple(map(round, size)) if all(0 < edge < 1e9 for edge in size) else None
        images.append(Labels(row['file_name'], present, (), where, found, size))
    parents = {row['name']: row.get('supercategory') for row in rows['categories']}
    roots = {parent for name, parent in parents.items() if parent != name}
    unused = set(names.values()) - {box.name for found in boxes.values() for box in found}
    extra = sorted(name for name in unused if name in roots or name.strip('_') in BACKGROUND)
    notes = [f'categories without annotations, left out: {some(extra)}'] if extra else []
    kept = [name for name in names.values() if name not in extra]
    return CocoFile(kept, images, notes, problems)


def _wrong_ids(rows: dict[str, list], data: dict[str, list]) -> Iterator[str]:
    """Ids and names that are not unique; ids that refer to nothing."""
    if any(not row['name'].strip() for row in rows['categories']):
        yield "expected a 'name' that is not empty in categories"
    for section, key in (*((section, 'id') for section in rows), ('categories', 'name')):
        values = (row[key] for row in rows[section])
        twice = repeated(value.strip() if isinstance(value, str) else value for value in values)
        if twice:
            yield f"expected each '{key}' of {section} once, more than once: {some(twice)}"
    for section, key in (('images', 'image_id'), ('categories', 'category_id')):
        known = {row.get('id') for row in data[section] if isinstance(row, dict)}
        unknown = sorted({row[key] for row in rows['annotations']} - known)
        if unknown:
            yield f'annotations have the {key} {some(unknown)}, which the list of {section} lacks'


@DATASETS.register_module()
class CocoMultiLabel(MultiLabelPhotos):
    """An image has the classes of the objects annotated in it, crowds included.

    For `instances_*.json` of COCO and any file of that form, with any categories: all that are
    listed are classes, also those that no annotation has, except what exporters add (`notes`).
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
        names, images, notes, problems = read_coco(self.ann_file)
        self.notes += notes
        self.problems += problems
        images = [labels for labels in images if labels.present or self.keep_unlabelled]
        return sorted(names) if self.class_order == 'name' else names, images

    def how_to_get(self) -> str:
        """The built-in scenes' command or COCO 2014's downloads, where the config asks for them."""
        if os.path.basename(os.path.normpath(self.data_root)) == 'scenes':
            return f'Draw the built-in data set with: mlgcn scenes {self.data_root}.'
        if not self.ann_file.endswith(('instances_train2014.json', 'instances_val2014.json')):
            return ''
        files = 'train2014.zip, val2014.zip, annotations_trainval2014.zip'
        told = f'Download {files} from https://cocodataset.org/#download (COCO 2014)'
        return f'{told} and unzip them in {self.data_root or "one folder"}.'


@DATASETS.register_module()
class JsonMultiLabel(MultiLabelPhotos):
    """mmpretrain's `MultiLabelDataset`: {metainfo: {classes}, data_list: [{img_path, gt_label}]}.

    `gt_label` has the indices of the classes. A config's `MultiLabelDataset` is read by this class.

    Args:
        ann_file: the json, relative to `data_root`.
        kwargs: `MultiLabelPhotos`, with `data_prefix` the folder that `img_path`s start from. In
            files without `metainfo.classes` the indices are those of `classes`.
    """

    def read_labels(self) -> tuple[Sequence[str], list[Labels]]:
        """The classes and the images in the file's order."""
        data = read_json(self.ann_file)
        meta = data.get('metainfo', {}) if isinstance(data, dict) else None
        rows = data.get('data_list') if isinstance(meta, dict) else None
        classes = (meta or {}).get('classes') or list(self._metainfo.get('classes') or ())
        if not classes or not isinstance(classes, list) or not isinstance(rows, list):
            form = "{'metainfo': {'classes': [...]}, 'data_list': [...]}"
            raise AnnotationError(f'{self.ann_file}: expected {form}, seen {str(data)[:80]}')
        odd = [n for n in classes if not isinstance(n, str) or not n.strip()] or repeated(classes)
        if odd:
            told = f'expected names as text, each once, seen {some(map(repr, odd))}'
            raise AnnotationError(f'{self.ann_file}: metainfo.classes: {told}')
        images = []
        for i, row in enumerate(rows):
            where = f'{self.ann_file}, data_list[{i}]'
            fault = row_fault(row, {'img_path': str, 'gt_label': (list, int)})
            labels = [] if fault else row['gt_label']
            labels = labels if isinstance(labels, list) else [labels]
            if not all(type(k) is int and 0 <= k < len(classes) for k in labels):
                fault = f'expected indices of the {len(classes)} classes, seen {some(labels)}'
            elif repeated(labels):
                is_one_hot = len(labels) == len(classes) and set(labels) <= {0, 1}
                hint = ', which looks like 0 and 1 for each class' if is_one_hot else ''
                fault = f'expected the index of each class once, seen {some(labels)}{hint}'
            if fault:
                self.problems.append(f'{where}: {fault}')
            else:
                images.append(Labels(row['img_path'], [classes[k] for k in labels], (), where))
        return classes, images
