"""Lists of labels that are present, absent or unknown: json, text and numpy files."""

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlgcn.messages import some
from mlgcn.zip_files import read_array

from .annotations import AnnotationError, Labels, numbered_lines, read_json, repeated, row_fault
from .base import MultiLabelPhotos
from .coco import COCO_KEYS, read_sections

Read = tuple[Sequence[str], Iterable[Labels]]
LVIS = ('neg_category_ids', 'not_exhaustive_category_ids')
LVIS_KEYS = {**COCO_KEYS, 'images': {'id': int, **dict.fromkeys(LVIS, list)}}
# the published values: what they mean here, 1 present, 0 absent, -1 `difficult`
WIDER = {1: 1, -1: 0, 0: -1}
CSRA = {'WIDER': {1: 1, 0: 0, 99: -1}, 'VOC': {1: 1, -1: 0, 0: -1}, 'plain': {1: 1, 0: 0}}


def _rows(data: Any, where: str, keys: dict[str, type]) -> list[tuple[str, dict]]:
    """[('WHERE[i]', row)] of a json list of objects that have `keys`."""
    if not isinstance(data, list):
        raise AnnotationError(f'{where}: expected a list, seen {str(data)[:60]}')
    rows = [(f'{where}[{i}]', row) for i, row in enumerate(data)]
    if faults := [f'{at}: {fault}' for at, row in rows if (fault := row_fault(row, keys))]:
        raise AnnotationError(*faults[:100])
    return rows


def _box(photos: MultiLabelPhotos, where: str, values: Any) -> tuple[float, ...] | None:
    """Left, top, right, bottom of a `bbox`; None for anything else, which is a fault."""
    is_list = isinstance(values, list) and all(type(v) in (int, float) for v in values)
    # not >=, because NaN is neither above nor below
    if not is_list or len(values) != 4 or not np.abs(values).max() < 1e6 or min(values[2:]) <= 0:
        told = 'expected a bbox of four numbers, left, top, width and height'
        photos.fault(where, told, values)
        return None
    left, top, width, height = values
    return left, top, left + width, top + height


def lvis(photos: MultiLabelPhotos) -> Read:
    """LVIS: annotated and not exhaustively marked categories are present, `neg` ones absent."""
    rows, problems = read_sections(photos.ann_file, LVIS_KEYS)
    photos.problems += problems
    names = dict(sorted((row['id'], row['name']) for row in rows['categories']))
    present = defaultdict(set)
    for row in rows['annotations']:
        present[row['image_id']].add(row['category_id'])
    found = []
    for row in rows['images']:
        where, url = f'{photos.ann_file}, image id {row["id"]}', row.get('coco_url')
        path = row.get('file_name') or (isinstance(url, str) and '/'.join(url.split('/')[-2:]))
        negative, partly = (row[key] for key in LVIS)
        wrong = [n for n in negative + partly if type(n) is not int or n not in names]
        if not path or not isinstance(path, str) or wrong:
            told = 'expected a coco_url, and ids of categories in the lists'
            photos.fault(where, told, f'{str(path)[:80]!r}, {wrong[:5] or row[LVIS[0]][:5]}')
            continue
        seen = {names[n] for n in present[row['id']].union(partly) & names.keys()}
        found.append(Labels(path, seen, (), where, absent={names[n] for n in negative}))
    return list(names.values()), found


def wider_attribute(photos: MultiLabelPhotos) -> Read:
    """WIDER-Attribute: a sample for each person's box; 1, -1, and 0 unspecified (`difficult`)."""
    file = photos.ann_file
    data = read_json(file)
    names = data.get('attribute_id_map') if isinstance(data, dict) else None
    if not isinstance(names, dict) or names.keys() != {*map(str, range(len(names)))}:
        raise AnnotationError(f'{file}: expected attribute_id_map, seen {str(names)[:80]}')
    names, images = [str(names[str(number)]) for number in range(len(names))], []
    keys = {'file_name': str, 'targets': list}
    for place, image in _rows(data.get('images'), f'{file}, images', keys):
        for where, target in _rows(image['targets'], f'{place}.targets', {'attribute': list}):
            where, path = f'{where} ({image["file_name"]})', image['file_name']
            crop = _box(photos, where, target.get('bbox'))
            images += photos.coded(where, path, target['attribute'], WIDER, names, crop=crop)
    return names, images


def csra_json(photos: MultiLabelPhotos) -> Read:
    """CSRA's lists; 99 or boxes say WIDER's coding (0 absent), -1 VOC's (0 difficult)."""
    file = photos.ann_file
    rows, images = _rows(read_json(file), file, {'img_path': str, 'target': list}), []
    values = {v for _, row in rows for v in row['target'] if isinstance(v, int)}
    is_wider = 99 in values or any('bbox' in row for _, row in rows)
    coding = 'WIDER' if is_wider else 'VOC' if -1 in values else 'plain'
    photos.notes.append(f"values {sorted(values)[:5]}: the coding of CSRA's {coding} lists")
    names = photos.numbered(max((len(row['target']) for _, row in rows), default=0))
    for where, row in rows:
        crop = _box(photos, where, row['bbox']) if 'bbox' in row else None
        path, values = row['img_path'], row['target']
        images += photos.coded(where, path, values, CSRA[coding], names, crop=crop)
    return names, images


def _indexed(
    photos: MultiLabelPhotos, rows: Iterable[tuple[str, str, Collection]], number: int
) -> Read:
    """Images of (place, path, indices of the present classes), of `number` classes."""
    names, images = photos.numbered(number), []
    for where, path, found in rows:
        wrong = [k for k in found if type(k) is not int or not 0 <= k < len(names)]
        if wrong:
            photos.fault(where, f'expected indices from 0 to {len(names) - 1}', wrong[:5])
        else:
            images.append(Labels(path, {names[k] for k in found}, (), where))
    return names, images


def vg500(photos: MultiLabelPhotos) -> Read:
    """Visual Genome's lists: names, and a json of class indices beside them."""
    file = Path(photos.ann_file)
    beside = sorted(file.parent.glob('vg_category_*_labels_index.json'))
    number = beside[0].name.split('_')[2] if len(beside) == 1 else ''
    labels = read_json(beside[0]) if number.isdecimal() and len(number) < 6 else None
    if not isinstance(labels, dict):
        told = 'expected one vg_category_N_labels_index.json of {name: indices} beside it'
        seen = some(path.name for path in beside) or 'none'
        raise AnnotationError(f'{file}: {told}, seen {seen}')
    rows = []
    for where, name in numbered_lines(file):
        found = labels.get(name)
        if isinstance(found, list):
            rows.append((f'{where} ({beside[0].name})', name, found))
        else:
            told = f'expected an image with a list of indices in {beside[0].name}'
            photos.fault(where, told, f'{name[:80]!r}, {str(found)[:80]}')
    return _indexed(photos, rows, int(number))


def robust_loss_txt(photos: MultiLabelPhotos) -> Read:
    """`name.jpg, 0 52`: the lists of Hill's and SPLC's code. No list is empty."""
    rows = []
    for where, line in numbered_lines(photos.ann_file):
        name, _, words = line.partition(',')
        if name and words and all(w.isdecimal() and len(w) < 6 for w in words.split()):
            rows.append((where, name, [int(word) for word in words.split()]))
        else:
            photos.fault(where, "expected 'name.jpg, 0 52'", repr(line[:80]))
    return _indexed(photos, rows, 1 + max((k for *_, found in rows for k in found), default=-1))


def spml_npy(photos: MultiLabelPhotos) -> Read:
    """Arrays of the single-positive code: 1, -1 and 0 (not listed), or 1 and 0 where complete."""
    file = Path(photos.ann_file)
    is_observed = file.stem.endswith('_obs')
    start, found, _ = file.name.partition('_labels')
    if not found:
        told = 'expected a name with _labels, as formatted_train_labels.npy'
        raise AnnotationError(f'{file}: {told}')
    paths = _array(file.with_name(f'{start}_images.npy'), 'U', 1)
    labels = _array(file, 'fiu', 2)
    if len(paths) != len(labels):
        raise AnnotationError(f'{file}: {len(labels)} rows, but {len(paths)} images')
    names, values = photos.numbered(labels.shape[1]), (1, -1, 0) if is_observed else (1, 0)

    def images() -> Iterator[Labels]:
        for i, (path, row) in enumerate(zip(paths, labels)):
            if not path or not np.isin(row, values).all():
                told = f'expected an image and values of {values}'
                seen = f'{str(path)!r}, {np.unique(row)[:5].tolist()}'
                photos.fault(f'{file}, row {i}', told, seen)
            present, absent = ({names[k] for k in np.flatnonzero(row == v)} for v in values[:2])
            yield Labels(str(path), present, (), f'{file}, row {i}', absent=absent)

    return names, images()


def _array(file: Path, kinds: str, ndim: int) -> np.ndarray:
    """:func:`read_array` whose faults are the annotations'."""
    try:
        array = read_array(file, kinds, ndim)
    except ValueError as error:
        raise AnnotationError(str(error)) from None
    if kinds == 'U' and array.size and array.itemsize:
        # numpy makes strings of any numbers, also of those that are no characters
        codes = np.ascontiguousarray(array).view(array.dtype.str[0] + 'u4')
        if codes.max() > sys.maxunicode:
            raise AnnotationError(f'{file}: expected characters, seen the code {codes.max():#x}')
    return array


def nus_wide(photos: MultiLabelPhotos) -> Read:
    """NUS-WIDE's folders in data_root; a label of 0 is not listed."""
    root, part = Path(photos.data_root), photos.split.capitalize()
    photos.splits('train', 'test')
    listed = root / f'ImageList/{part}Imagelist.txt'
    paths = [line.replace('\\', '/') for _, line in numbered_lines(listed)]
    concepts = root / 'ConceptsList/Concepts81.txt'
    names = [name for _, name in numbered_lines(concepts)]
    if not names or repeated(names):
        seen = f'{len(names)} names, twice: {some(repeated(names)) or "none"}'
        raise AnnotationError(f'{concepts}: expected each name once, seen {seen}')
    table = np.zeros((len(paths), len(names)), bool)
    for column, name in zip(table.T, names):
        ending = f'TrainTestLabels/Labels_{name}_{part}' if part else f'AllLabels/Labels_{name}'
        file = root / f'Groundtruth/{ending}.txt'
        words = [word for _, word in numbered_lines(file)]
        wrong = [i for i, word in enumerate(words) if word not in ('0', '1')]
        if wrong or len(words) != len(paths):
            told = f'expected 0 or 1 for each of the {len(paths)} images of {listed.name}'
            at = f', line {wrong[0] + 1}' if wrong else ''
            seen = repr(words[wrong[0]][:80]) if wrong else f'{len(words)} lines'
            raise AnnotationError(f'{file}{at}: {told}, seen {seen}')
        column[:] = np.array(words) == '1'
    return names, (
        Labels(path, {names[k] for k in np.flatnonzero(row)}, (), f'{listed}, line {i}')
        for i, (path, row) in enumerate(zip(paths, table), 1)
    )
