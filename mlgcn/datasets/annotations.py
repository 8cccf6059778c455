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
    raw = Path(path).read_bytes()
    kinds = {
        b'PK\x03\x04': 'a workbook or zip archive',
        b'\xff\xfe': 'UTF-16',
        b'\xfe\xff': 'UTF-16',
    }
    kind = next((kind for mark, kind in kinds.items() if raw.startswith(mark)), '')
    if kind or b'\0' in raw:
        seen = kind or 'zero bytes (UTF-16 without its mark, or damaged)'
        raise AnnotationError(f'{path}: expected UTF-8 text, seen {seen}; save it as UTF-8')
    try:
        return raw.decode('utf-8-sig').replace('\r\n', '\n').replace('\r', '\n')
    except UnicodeDecodeError as error:
        raise AnnotationError(f'{path}: expected UTF-8 text, but {error}') from None


def read_json(file: str | Path) -> Any:
    """The content of a json file."""
    try:
        return json.loads(read_text(file))
    except AnnotationError:
        raise
    except (ValueError, RecursionError) as error:  # ValueError: also numbers of too many digits
        raise AnnotationError(f'{file}: expected json, but {error}') from None


class CocoFile(NamedTuple):
    """What a COCO json says."""

    names: dict[int, str]  # {category id: name}, in order of ids
    images: list[Labels]  # in the file's order; `img_path` is the file's `file_name`
    extra: set[str]  # categories that an exporter added: the background, or a root of the others
    problems: list[str]  # rows that were left out, and why


def read_coco(file: str | Path) -> CocoFile:
    """Labels and boxes of a COCO json; crowds count like other objects.

    An extra category has no annotation, and is named as the `supercategory` of others (Roboflow).

    Raises:
        AnnotationError: not json, or a section is missing.
    """
    data = read_json(file)
    if not isinstance(data, dict):
        keys = ', '.join(COCO_KEYS)
        raise AnnotationError(f'{file}: expected an object with {keys}, seen a list or value')
    problems, rows = [], {}
    for section, keys in COCO_KEYS.items():
        if not isinstance(data.get(section), list):
            seen = str(data[section])[:40] if section in data else f'the keys {some(data)}'
            raise AnnotationError(f"{file}: expected a list under the key '{section}', seen {seen}")
        wrong = [_missing(row, keys) for row in data[section]]
        problems += [f'{m} in {section}[{i}]' for i, m in enumerate(wrong) if m]
        rows[section] = [row for row, missing in zip(data[section], wrong) if not missing]
    problems += _wrong_ids(rows, data)
    names = dict(sorted((row['id'], row['name'].strip()) for row in rows['categories']))
    boxes = defaultdict(list)
    for row in rows['annotations']:
        if row['category_id'] in names:
            left, top, width, height = _four(row.get('bbox', ()))
            corners = (left, top, left + width, top + height) if 'bbox' in row else None
            box = Box(names[row['category_id']], corners, f'annotation id {row["id"]}')
            boxes[row['image_id']].append(box)
    images = []
    for row in rows['images']:
        found, size = boxes.get(row['id'], ()), (row.get('width'), row.get('height'))
        where, present = f'{file}, image id {row["id"]}', {box.name for box in found}
        size = size if all(size) else None
        images.append(Labels(row['file_name'], present, (), where, found, size))
    roots = {
        r.get('supercategory') for r in rows['categories'] if r.get('supercategory') != r['name']
    }
    unused = set(names.values()) - {box.name for found in boxes.values() for box in found}
    extra = {name for name in unused if name in roots or name.strip('_') in BACKGROUND}
    return CocoFile(names, images, extra, [f'{file}: {problem}' for problem in problems])


def _missing(row: Any, keys: dict[str, type]) -> str:
    """What a row lacks, in words; '' for nothing."""
    for key, kind in keys.items():
        if not isinstance(row, dict) or not isinstance(row.get(key), kind):
            return f"expected the key '{key}' with an {kind.__name__}, seen {str(row)[:80]},"
    return ''


def _wrong_ids(rows: dict[str, list], data: dict[str, list]) -> Iterator[str]:
    """Ids and names that are not unique; ids that refer to nothing."""
    if any(not row['name'].strip() for row in rows['categories']):
        yield "expected a 'name' that is not empty in categories"
    for section, key in (('categories', 'id'), ('categories', 'name'), ('images', 'id')):
        values = (row[key] for row in rows[section])
        twice = repeated(value.strip() if isinstance(value, str) else value for value in values)
        if twice:
            yield f"expected each '{key}' of {section} once, more than once: {some(twice)}"
    for section, key in (('images', 'image_id'), ('categories', 'category_id')):
        known = {row.get('id') for row in data[section] if isinstance(row, dict)}
        unknown = sorted({row[key] for row in rows['annotations']} - known)
        if unknown:
            yield f'annotations have the {key} {some(unknown)}, which the list of {section} lacks'


def read_data_list(file: str | Path) -> tuple[list[str], list[Labels], list[str]]:
    """(class names, images, problems) of mmpretrain's {metainfo: {classes}, data_list: [...]}.

    Each image has `img_path` and `gt_label`, the indices of its classes.

    Raises:
        AnnotationError: not json or not of that form.
    """
    data = read_json(file)
    meta = data.get('metainfo') if isinstance(data, dict) else None
    classes = meta.get('classes') if isinstance(meta, dict) else None
    rows = data.get('data_list') if classes else None
    if not isinstance(classes, list) or not isinstance(rows, list):
        form = "{'metainfo': {'classes': [...]}, 'data_list': [...]}"
        raise AnnotationError(f'{file}: expected {form}, seen {str(data)[:80]}')
    odd = [n for n in classes if not isinstance(n, str) or not n.strip()] or repeated(classes)
    if odd:
        told = f'expected names as text, each once, seen {some(map(repr, odd))}'
        raise AnnotationError(f'{file}: metainfo.classes: {told}')
    images, problems = [], []
    for i, row in enumerate(rows):
        where, keys = f'{file}, data_list[{i}]', {'img_path': str, 'gt_label': (list, int)}
        if not isinstance(row, dict) or not all(isinstance(row.get(k), t) for k, t in keys.items()):
            problems.append(f"{where}: expected 'img_path' and a list 'gt_label', seen {row}")
            continue
        labels = row['gt_label'] if isinstance(row['gt_label'], list) else [row['gt_label']]
        if not all(type(k) is int and 0 <= k < len(classes) for k in labels):
            told = f'expected indices of the {len(classes)} classes, seen {some(labels)}'
            problems.append(f'{where}: {told}')
        elif repeated(labels):
            is_one_hot = len(labels) == len(classes) and set(labels) <= {0, 1}
            hint = ', which looks like 0 and 1 for each class' if is_one_hot else ''
            told = f'expected the index of each class once, seen {some(labels)}{hint}'
            problems.append(f'{where}: {told}')
        else:
            images.append(Labels(row['img_path'], [classes[k] for k in labels], (), where))
    return classes, images, problems


def _four(values: Iterable) -> tuple[float, ...]:
    """Four numbers, or NO_BOX where they are something else."""
    try:
        left, top, third, fourth = map(float, values)
    except (TypeError, ValueError):
        return NO_BOX
    return left, top, third, fourth


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
    except (ET.ParseError, ValueError, LookupError) as error:  # LookupError: of the encoding
        raise AnnotationError(f'{file}: expected VOC annotations in XML, but {error}') from None
    present, difficult, boxes = set(), set(), []
    for number, thing in enumerate(root.iter('object'), 1):
        name = (thing.findtext('name') or '').strip()
        if not name:
            raise AnnotationError(f'{file}: object {number} has no <name>')
        is_difficult = (thing.findtext('difficult') or '0').strip() == '1'
        (difficult if is_difficult else present).add(name)
        texts = [thing.findtext(f'bndbox/{key}') for key in VOC_BOX]
        has_box = thing.find('bndbox') is not None
        boxes.append(Box(name, _four(texts) if has_box else None, f'object {number}'))
    size = [root.findtext(f'size/{key}') or '' for key in ('width', 'height')]
    size = tuple(map(int, size)) if all(text.strip().isdecimal() for text in size) else None
    return Labels(Path(file).stem, present, difficult - present, str(file), boxes, size)


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
