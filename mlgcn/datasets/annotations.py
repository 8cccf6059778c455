"""What annotation files say of their images: labels and boxes of COCO json and PASCAL VOC.

One parser per layout. Each returns plain records and raises one error with every fault it met.
"""

import json
import math
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .image_io import ENDINGS

# What is read of each section of a COCO json: the keys and their types.
COCO_KEYS = {
    'images': {'id': int, 'file_name': str},
    'annotations': {'id': int, 'image_id': int, 'category_id': int},
    'categories': {'id': int, 'name': str},
}
BACKGROUND = ('background', 'ignore')  # also between underscores
VOC_BOX = ('xmin', 'ymin', 'xmax', 'ymax')
VOC_VALUES = ('1', '0', '-1')  # present, difficult, absent
NO_BOX = (math.nan,) * 4  # of a box that is not four numbers


class Box(NamedTuple):
    """An annotated object."""

    name: str
    corners: tuple[float, float, float, float] | None  # left, top, right, bottom; None: not stated
    where: str  # its place in the annotations of the image


class Labels(NamedTuple):
    """What an annotation file says of one image."""

    img_path: str
    present: Collection[str]
    difficult: Collection[str] = ()  # classes of which only difficult objects are seen
    where: str = ''  # file and line, id or record
    boxes: Sequence[Box] = ()
    size: tuple[int, int] | None = None  # stated width and height


class AnnotationError(ValueError):
    """Faults of an annotation file, each with its place: `args`. The message has the first ten."""

    def __str__(self) -> str:
        return some(self.args, sep='; ')


def some(names: Iterable, most: int = 10, sep: str = ', ') -> str:
    """'a, b, c': the first names of many, with the number of the others."""
    names = list(names)
    listed = sep.join(map(str, names[:most]))
    return listed + (f'{sep}... ({len(names) - most} more)' if len(names) > most else '')


def repeated(values: Iterable) -> list:
    """The values that occur more than once."""
    return [value for value, number in Counter(values).items() if number > 1]


def read_text(path: str | Path) -> str:
    """A text file in UTF-8, with or without a byte order mark."""
    try:
        return Path(path).read_text('utf-8-sig')
    except UnicodeDecodeError as error:
        raise AnnotationError(f'{path}: expected UTF-8 text, but {error}') from None


def read_json(file: str | Path) -> Any:
    """The content of a json file."""
    try:
        return json.loads(read_text(file))
    except (json.JSONDecodeError, RecursionError) as error:
        raise AnnotationError(f'{file}: expected json, but {error}') from None


def read_coco(file: str | Path) -> tuple[dict[int, str], list[Labels], set[str]]:
    """({category id: name} in order of ids, the images in the file's order, names that are none).

    The last are categories without annotations that exporters add: the background, and a root that
    the others name as their `supercategory` (Roboflow).

    `img_path` is the file's `file_name`. Crowds count like other objects.

    Raises:
        AnnotationError: not json, a section, key or type is missing, ids are not unique or refer
            to nothing.
    """
    data = read_json(file)
    problems = [*_coco_form(data)] or [*_coco_ids(data)]
    if problems:
        raise AnnotationError(*(f'{file}: {problem}' for problem in problems))
    names = dict(sorted((row['id'], row['name']) for row in data['categories']))
    used = {names[row['category_id']] for row in data['annotations']}
    parents = {str(row.get('supercategory')) for row in data['categories']
               if row.get('supercategory') != row['name']}  # fmt: skip
    extra = {name for name in names.values() if name in parents or name.strip('_') in BACKGROUND}
    boxes = defaultdict(list)
    for row in data['annotations']:
        box = Box(names[row['category_id']], _coco_corners(row), f'annotation id {row["id"]}')
        boxes[row['image_id']].append(box)
    images = []
    for row in data['images']:
        found = boxes.get(row['id'], ())
        size = (row.get('width'), row.get('height'))
        where = f'{file}, image id {row["id"]}'
        present = {box.name for box in found}
        images.append(
            Labels(row['file_name'], present, (), where, found, size if all(size) else None)
        )
    return names, images, extra - used


def read_data_list(file: str | Path) -> tuple[list[str], list[Labels]]:
    """Class names and images of mmpretrain's json: {metainfo: {classes}, data_list: [...]}.

    Each image has `img_path` and `gt_label`, the indices of its classes.

    Raises:
        AnnotationError: not json or not of that form; an index is out of range.
    """
    data = read_json(file)
    meta = data.get('metainfo') if isinstance(data, dict) else None
    classes = meta.get('classes') if isinstance(meta, dict) else None
    rows = data.get('data_list') if classes else None
    if not isinstance(classes, list) or not isinstance(rows, list):
        raise AnnotationError(
            f"{file}: expected {{'metainfo': {{'classes': [...]}}, 'data_list': [...]}}, "
            f'seen {str(data)[:80]}'
        )
    images, problems = [], []
    for i, row in enumerate(rows):
        labels = row.get('gt_label') if isinstance(row, dict) else None
        labels = [labels] if isinstance(labels, int) else labels
        try:
            path, wrong = row['img_path'], [k for k in labels if not 0 <= k < len(classes)]
        except (TypeError, KeyError):
            problems.append(f"{file}: expected 'img_path' and a list 'gt_label' in data_list[{i}]")
            continue
        if wrong:
            problems.append(f'{file}: data_list[{i}]: labels {wrong} of {len(classes)} classes')
        else:
            images.append(Labels(path, [classes[k] for k in labels], (), f'{file}, data_list[{i}]'))
    if problems:
        raise AnnotationError(*problems)
    return classes, images


def _coco_corners(row: dict[str, Any]) -> tuple[float, ...] | None:
    if 'bbox' not in row:
        return None
    try:
        left, top, width, height = map(float, row['bbox'])
    except (TypeError, ValueError):
        return NO_BOX
    return left, top, left + width, top + height


def _coco_form(data: Any) -> Iterator[str]:
    """What is missing of the sections, keys and types."""
    if not isinstance(data, dict):
        yield f'expected an object with the keys {", ".join(COCO_KEYS)}, seen {str(data)[:40]}'
        return
    for section, keys in COCO_KEYS.items():
        rows = data.get(section)
        if not isinstance(rows, list):
            seen = f'the keys {some(data)}' if rows is None else str(rows)[:40]
            yield f"expected a list under the key '{section}', seen {seen}"
            continue
        for i, row in enumerate(rows):
            for key, kind in keys.items():
                if not isinstance(row, dict) or not isinstance(row.get(key), kind):
                    yield (
                        f"expected the key '{key}' with an {kind.__name__} in {section}[{i}], "
                        f'seen {str(row)[:80]}'
                    )


def _coco_ids(data: dict) -> Iterator[str]:
    """Ids and names that are not unique; ids that refer to nothing."""
    for section, key in (('categories', 'id'), ('categories', 'name'), ('images', 'id')):
        twice = repeated(row[key] for row in data[section])
        if twice:
            yield f"expected each '{key}' of {section} once, more than once: {some(twice)}"
    for section, key in (('images', 'image_id'), ('categories', 'category_id')):
        unknown = {ann[key] for ann in data['annotations']} - {row['id'] for row in data[section]}
        if unknown:
            yield (
                f'annotations have the {key} {some(sorted(unknown))}, which the list of {section} '
                'lacks'
            )


class _NoDoctype(ET.TreeBuilder):
    """VOC's XML has no document type: refused, because it could define exploding entities."""

    def doctype(self, *_: str) -> None:
        raise ValueError('a document type (<!DOCTYPE>) is not accepted')


def read_voc_xml(file: str | Path) -> Labels:
    """Labels and boxes of one `Annotations/*.xml`; `img_path` is the file's name without ending.

    A class of which only difficult objects are annotated is difficult.

    Raises:
        AnnotationError: not VOC's XML, or an object has no name.
    """
    try:
        root = ET.parse(file, ET.XMLParser(target=_NoDoctype())).getroot()
        if root.tag != 'annotation':
            raise ValueError(f'the outermost element is <{root.tag}>, not <annotation>')
    except (ET.ParseError, ValueError) as error:
        raise AnnotationError(f'{file}: expected VOC annotations in XML, but {error}') from None
    present, difficult, boxes = set(), set(), []
    for number, thing in enumerate(root.iter('object'), 1):
        name = (thing.findtext('name') or '').strip()
        if not name:
            raise AnnotationError(f'{file}: object {number} has no <name>')
        is_difficult = (thing.findtext('difficult') or '0').strip() == '1'
        (difficult if is_difficult else present).add(name)
        boxes.append(Box(name, _voc_corners(thing), f'object {number}'))
    size = [root.findtext(f'size/{key}') or '' for key in ('width', 'height')]
    size = tuple(map(int, size)) if all(text.strip().isdecimal() for text in size) else None
    return Labels(Path(file).stem, present, difficult - present, str(file), boxes, size)


def _voc_corners(thing: ET.Element) -> tuple[float, ...] | None:
    if thing.find('bndbox') is None:
        return None
    try:
        return tuple(float(thing.findtext(f'bndbox/{key}')) for key in VOC_BOX)
    except (TypeError, ValueError):
        return NO_BOX


def voc_image(text: str) -> str:
    """The image that a line of a VOC list means, which may be quoted, have an ending or a path."""
    name = text.strip().strip('\'"').replace('\\', '/')
    if 'JPEGImages/' in name:
        name = name.rpartition('JPEGImages/')[2]
    elif name.startswith(('/', '.')) or ':' in name:
        name = name.rpartition('/')[2]
    stem, dot, ending = name.rpartition('.')
    return stem if f'{dot}{ending}'.lower() in (*ENDINGS, '.xml') else name


def read_voc_list(file: str | Path, values: bool) -> dict[str, str]:
    """{image: '1' | '0' | '-1'} of one `ImageSets/Main/CLASS_SPLIT.txt`, or the images of a split.

    Raises:
        AnnotationError: a line without its value, or an image for the second time.
    """
    found, problems = {}, []
    for number, line in enumerate(read_text(file).splitlines(), 1):
        *words, value = line.rsplit(maxsplit=1) if values and line.strip() else [line, '']
        image = voc_image(words[0]) if words else ''
        if values and line.strip() and (not image or value not in VOC_VALUES):
            problems.append(f"{file}, line {number}: expected 'IMAGE 1|0|-1', seen {line!r}")
        elif image in found:
            problems.append(f'{file}, line {number}: image {image!r} a second time')
        elif image:
            found[image] = value
    if problems:
        raise AnnotationError(*problems)
    return found


def has_voc_values(file: str | Path) -> bool:
    """Whether a list is one of a class: any of its lines has a value behind the image."""
    lines = (line.split() for line in read_text(file).splitlines())
    return any(len(words) > 1 and words[-1] in VOC_VALUES for words in lines)
