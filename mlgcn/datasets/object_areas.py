"""How large the objects of each class are: the boxes of a COCO json or of VOC's XML."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from .base import some
from .coco import _check_form
from .voc import _NoDoctype

BOX = ('xmin', 'ymin', 'xmax', 'ymax')


def object_areas(
    annotations: str | Path, file_names: Sequence[str], classes: Sequence[str]
) -> np.ndarray:
    """The area in pixels of each image's largest box of each class, (N, K) float64; 0 without one.

    Crowd and difficult boxes count. Images are found by their path's end: the json's `file_name`,
    or the XML's file name without its ending.

    Args:
        annotations: A COCO json with `bbox` (x, y, width, height), or a VOC folder that holds
            `Annotations/*.xml` (or that folder itself).
        file_names: The N images, as a scores file has them.
        classes: The K class names. Boxes of other classes are left out.

    Raises:
        FileNotFoundError, ValueError: `annotations` is not there or of neither kind; a box is
            wrong; two of its images fit one file name; it has none of the images or classes.
    """
    path = Path(annotations)
    if path.is_dir():
        boxes = _voc_boxes(path)
    elif path.is_file():
        boxes = _coco_boxes(path)
    else:
        raise FileNotFoundError(f'{path}: no such annotations; {_expected()}')
    index = {name: k for k, name in enumerate(classes)}
    known = {name for objects in boxes.values() for name, _ in objects}
    if not known & index.keys():
        raise ValueError(
            f'{path}: none of its classes ({some(sorted(known))}) is one of the scores '
            f'({some(classes)})'
        )
    areas = np.zeros((len(file_names), len(classes)))
    found = _match(boxes, file_names, path)
    for i, key in found.items():
        for name, area in boxes[key]:
            if name in index:
                areas[i, index[name]] = max(areas[i, index[name]], area)
    return areas


def _match(boxes: dict[str, list], file_names: Sequence[str], path: Path) -> dict[int, str]:
    """{index into `file_names`: key of `boxes`}: one path is the end of the other."""
    by_stem: dict[str, list[str]] = {}
    for key in boxes:
        by_stem.setdefault(PurePosixPath(key).stem, []).append(key)
    found = {}
    for i, name in enumerate(file_names):
        keys = by_stem.get(PurePosixPath(name).stem, [])
        inside = [key for key in keys if _ends_with(name, key)]
        around = [key for key in keys if _ends_with(key, name)]
        if not inside and len(around) > 1:
            raise ValueError(f'{path}: {name} could be any of {some(around)}')
        if inside or around:
            found[i] = max(inside or around, key=len)
    if not found:
        raise ValueError(
            f'{path}: it has {len(boxes)} images (e.g. {some(boxes, 1)}), but none of the '
            f'{len(file_names)} of the scores (e.g. {file_names[0]})'
        )
    return found


def _ends_with(path: str, end: str) -> bool:
    path, end = (f'/{PurePosixPath(name).with_suffix("")}' for name in (path, end))
    return path.endswith(end)


def _coco_boxes(path: Path) -> dict[str, list[tuple[str, float]]]:
    """{file name: [(class, area of the box), ...]} of a COCO json."""
    try:
        data = json.loads(path.read_text('utf-8-sig'))
    except ValueError as error:
        raise ValueError(f'{path}: {_expected()}; not json: {error}') from None
    _check_form(data, str(path))
    classes = {category['id']: category['name'] for category in data['categories']}
    files = {image['id']: image['file_name'] for image in data['images']}
    boxes: dict[str, list] = {name: [] for name in files.values()}
    for i, ann in enumerate(data['annotations']):
        if ann['image_id'] not in files or ann['category_id'] not in classes:
            raise ValueError(f'{path}: annotations[{i}] is of an image or category not listed')
        area = _box_area(ann.get('bbox'), f'{path}: annotations[{i}]')
        boxes[files[ann['image_id']]].append((classes[ann['category_id']], area))
    return boxes


def _box_area(box: object, where: str) -> float:
    try:
        _, _, width, height = map(float, box)
    except (TypeError, ValueError):
        raise ValueError(
            f"{where}: expected a 'bbox' of x, y, width and height, seen {str(box)[:80]}"
        ) from None
    return width * height


def _voc_boxes(folder: Path) -> dict[str, list[tuple[str, float]]]:
    """{file name without ending: [(class, area of the box), ...]} of a folder of VOC's XML."""
    folder = folder / 'Annotations' if (folder / 'Annotations').is_dir() else folder
    files = sorted(folder.glob('*.xml'))
    if not files:
        raise ValueError(f'{folder}: no *.xml in it; {_expected()}')
    return {file.stem: list(_objects(file)) for file in files}


def _objects(path: Path):
    try:
        root = ET.parse(path, ET.XMLParser(target=_NoDoctype())).getroot()
        for thing in root.iter('object'):
            left, top, right, bottom = (float(thing.findtext(f'bndbox/{key}')) for key in BOX)
            yield (thing.findtext('name') or '').strip(), (right - left) * (bottom - top)
    except (ET.ParseError, TypeError, ValueError) as error:
        raise ValueError(f'{path}: expected objects with <bndbox> {BOX}, but {error}') from None


def _expected() -> str:
    return 'expected a COCO json or a VOC folder with Annotations/*.xml'
