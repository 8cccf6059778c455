"""How large the objects of each class are in the images of a scores file."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from mlgcn.datasets.annotations import AnnotationError, Labels
from mlgcn.datasets.coco import read_coco
from mlgcn.datasets.voc import people_files, read_voc_xml
from mlgcn.messages import some

EXPECTED = 'expected a COCO json or a VOC folder with Annotations/*.xml'


def object_areas(
    annotations: str | Path, file_names: Sequence[str], classes: Sequence[str]
) -> np.ndarray:
    """The area in pixels of each image's largest object of each class, (N, K) float64; 0: none.

    The area is COCO's `area`, that of the object's mask, where it is stated, else the box's. Crowd
    and difficult boxes count. Images are found by their path's end: the json's `file_name`, or the
    XML's file name without its ending.

    Args:
        annotations: A COCO json, or a VOC folder, with Annotations/ or that folder itself.
        file_names: The N images, as a scores file has them.
        classes: The K class names. Boxes of other classes are left out.

    Raises:
        FileNotFoundError, ValueError: `annotations` is neither, has a wrong box, or none of the
            images or classes; two of its images fit one file name.
    """
    path = Path(annotations)
    images = {labels.img_path: labels for labels in _read(path)}
    index = {name: k for k, name in enumerate(classes)}
    known = {box.name for labels in images.values() for box in labels.boxes}
    if not known & index.keys():
        own = some(sorted(known))
        raise ValueError(f'{path}: none of its classes ({own}) is in the scores ({some(classes)})')
    areas = np.zeros((len(file_names), len(classes)))
    for i, key in _match(images, file_names, path).items():
        for box in images[key].boxes:
            left, top, right, bottom = box.corners or (np.nan,) * 4
            area = (right - left) * (bottom - top)
            if 0 < box.area < np.inf:
                area = box.area
            if np.isnan(area):
                raise AnnotationError(f'{images[key].where}, {box.where}: no box of four numbers')
            if (k := index.get(box.name)) is not None:
                areas[i, k] = max(areas[i, k], area)
    return areas


def _read(path: Path) -> list[Labels]:
    if path.is_file():
        _, images, _, problems = read_coco(path)
        if problems:
            raise AnnotationError(*problems)
        return images
    if not path.is_dir():
        raise FileNotFoundError(f'{path}: no such annotations; {EXPECTED}')
    folder = path / 'Annotations' if (path / 'Annotations').is_dir() else path
    files = people_files(folder, '*.xml')
    if not files:
        raise ValueError(f'{folder}: no *.xml in it; {EXPECTED}')
    return [read_voc_xml(file) for file in files]


def _match(names: Collection[str], file_names: Sequence[str], path: Path) -> dict[int, str]:
    """{index into `file_names`: one of `names`}, of which one path is the end of the other."""
    by_stem, found = defaultdict(list), {}
    for name in names:
        by_stem[PurePosixPath(name).stem].append(name)
    for i, file_name in enumerate(file_names):
        keys = by_stem[PurePosixPath(file_name).stem]
        inside = [key for key in keys if _ends_with(file_name, key)]
        around = [key for key in keys if _ends_with(key, file_name)]
        if not inside and len(around) > 1:
            raise ValueError(f'{path}: {file_name} could be any of {some(around)}')
        if inside or around:
            found[i] = max(inside or around, key=len)
    if not found:
        expected = f'the {len(file_names)} of the scores (e.g. {file_names[0]})'
        seen = f'{len(names)} images (e.g. {some(names, 1)})'
        raise ValueError(f'{path}: it has {seen}, but none of {expected}')
    return found


def _ends_with(path: str, end: str) -> bool:
    path, end = (f'/{PurePosixPath(name).with_suffix("")}' for name in (path, end))
    return path.endswith(end)
