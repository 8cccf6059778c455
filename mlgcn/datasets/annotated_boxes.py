"""The boxes of COCO's and VOC's annotations, for checks: training needs the image's labels only."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .base import Labels, MultiLabelPhotos
from .coco import CocoMultiLabel
from .voc import VOCMultiLabel, _NoDoctype


class Box(NamedTuple):
    """A box: its left, top, right and bottom in pixels, and the stated (width, height)."""

    img_path: str
    where: str
    corners: tuple[float, float, float, float]
    stated: tuple[int, int] | None


def read_boxes(photos: MultiLabelPhotos, images: Sequence[Labels]) -> list[Box]:
    """All boxes of a COCO json, or of the VOC XML files that are there; none of other data.

    Raises:
        ValueError: an XML file is not VOC's; a box is not four numbers.
    """
    if isinstance(photos, CocoMultiLabel):
        return list(_coco_boxes(photos))
    if isinstance(photos, VOCMultiLabel):
        folder = Path(photos.data_root, 'Annotations')
        files = ((image.img_path, folder / f'{Path(image.img_path).stem}.xml') for image in images)
        return [box for path, xml in files if xml.is_file() for box in _voc_boxes(path, xml)]
    return []


def _coco_boxes(photos: CocoMultiLabel) -> Iterator[Box]:
    data = json.loads(Path(photos.ann_file).read_text('utf-8-sig'))
    image_of = {image['id']: image for image in data['images']}
    for ann in data['annotations']:
        if 'bbox' not in ann:
            continue
        image = image_of[ann['image_id']]
        where = f'{photos.ann_file}, annotation id {ann["id"]}'
        try:
            x, y, width, height = map(float, ann['bbox'])
        except (TypeError, ValueError):
            raise ValueError(f'{where}: bbox is {str(ann["bbox"])[:60]}, no 4 numbers') from None
        stated = (image['width'], image['height']) if {'width', 'height'} <= image.keys() else None
        path = str(Path(photos.img_prefix, image['file_name']))
        yield Box(path, where, (x, y, x + width, y + height), stated)


def _voc_boxes(path: str, xml: Path) -> Iterator[Box]:
    try:
        root = ET.parse(xml, ET.XMLParser(target=_NoDoctype())).getroot()
        size = [root.findtext(f'size/{key}') for key in ('width', 'height')]
        stated = (int(size[0]), int(size[1])) if all(size) else None
        for number, thing in enumerate(root.iter('object'), 1):
            if thing.find('bndbox') is None:
                continue
            keys = ('xmin', 'ymin', 'xmax', 'ymax')
            left, top, right, bottom = (float(thing.findtext(f'bndbox/{key}')) for key in keys)
            yield Box(path, f'{xml}, object {number}', (left, top, right, bottom), stated)
    except (ET.ParseError, TypeError, ValueError) as error:
        raise ValueError(f'{xml}: expected VOC annotations in XML, but {error}') from None
