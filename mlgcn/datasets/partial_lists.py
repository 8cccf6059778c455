"""Lists of labels that are present, absent or unknown: json, text and numpy files."""

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlgcn.messages import some

from .annotations import AnnotationError, Labels, read_json, read_text, repeated, row_fault
from .base import MultiLabelPhotos

Read = tuple[Sequence[str], Iterable[Labels]]
# the published values: what they mean here, 1 present, 0 absent, -1 `difficult`
WIDER = {1: 1, -1: 0, 0: -1}
CSRA = {'WIDER': {1: 1, 0: 0, 99: -1}, 'VOC': {1: 1, -1: 0, 0: -1}, 'plain': {1: 1, 0: 0}}

BBOX = 'expected a bbox of four numbers, left, top, width and height'


def _rows(data: Any, where: str, keys: dict[str, type]) -> list[tuple[str, dict]]:
    """[('WHERE[i]', row)] of a json list of objects that have `keys`."""
    if not isinstance(data, list):
        raise AnnotationError(f'{where}: expected a list, seen {str(data)[:60]}')
    rows = [(f'{where}[{i}]', row) for i, row in enumerate(data)]
    if faults := [f'{at}: {fault}' for at, row in rows if (fault := row_fault(row, keys))]:
        raise AnnotationError(*faults[:100])
    return rows


def _section(file: str, data: Any, name: str, keys: dict[str, type]) -> list[tuple[str, dict]]:
    return _rows(data.get(name) if isinstance(data, dict) else None, f'{file}, {name}', keys)


def _box(row: dict) -> tuple[float, ...] | None:
    """Left, top, right, bottom of a `bbox` x, y, width, height; None for anything else."""
    values = row.get('bbox')
    if not isinstance(values, list) or not all(type(v) in (int, float) for v in values):
        return None
    if len(values) != 4 or not (np.abs(values) < 1e6).all() or min(values[2:]) <= 0:
        return None
    left, top, width, height = values
    return left, top, left + width, top + height


def _coded(
    photos: MultiLabelPhotos, path: str, where: str, values: Any, coding: dict, names: list[str],
    crop: tuple[float, ...] | None,
) -> Iterator[Labels]:  # fmt: skip
    """The image of a vector of `values`, in the words of `coding`; nothing for a fault."""
    is_list = isinstance(values, list) and len(values) == len(names)
    if not path or not is_list or not all(type(v) is int and v in coding for v in values):
        told = f'expected an image and {len(names)} values of {sorted(coding)}'
        photos.fault(where, f'{told}, seen {path[:80]!r}, {str(values)[:120]}')
        return
    kinds = ({n for n, v in zip(names, values) if coding[v] == kind} for kind in (1, -1, 0))
    present, difficult, absent = kinds
    yield Labels(path, present, difficult, where, absent=absent, crop=crop)


def lvis(photos: MultiLabelPhotos) -> Read:
    """LVIS: annotated and not exhaustively marked categories are present, `neg` ones absent."""
    file, lists = photos.ann_file, ('neg_category_ids', 'not_exhaustive_category_ids')
    data = read_json(file)
    rows = [row for _, row in _section(file, data, 'categories', {'id': int, 'name': str})]
    names = {row['id']: row['name'] for row in sorted(rows, key=lambda row: row['id'])}
    images = _section(file, data, 'images', {'id': int, **dict.fromkeys(lists, list)})
    ids = [row['id'] for row in rows], [row['name'] for row in rows], [r['id'] for _, r in images]
    for kind, values in zip(('category id', 'category name', 'image id'), ids):
        if again := repeated(values):
            raise AnnotationError(f'{file}: expected each {kind} once, seen twice: {some(again)}')
    present = {row['id']: set() for _, row in images}
    keys = {'image_id': int, 'category_id': int}
    for where, row in _section(file, data, 'annotations', keys):
        if row['image_id'] in present and row['category_id'] in names:
            present[row['image_id']].add(row['category_id'])
        else:
            photos.fault(where, f'no such image or category: { ({k: row[k] for k in keys}) }')
    found = []
    for where, row in images:
        path, url = row.get('file_name'), row.get('coco_url')
        path = path or (isinstance(url, str) and '/'.join(url.split('/')[-2:]))
        listed = [*row[lists[0]], *row[lists[1]]]
        wrong = [n for n in listed if type(n) is not int or n not in names]
        where = f'{where} (id {row["id"]})'
        if not path or not isinstance(path, str) or wrong:
            told = 'expected a coco_url, and ids of categories in the lists'
            photos.fault(where, f'{told}, seen {str(path)[:80]!r}, {wrong[:5] or listed[:5]}')
            continue
        seen = {names[n] for n in present[row['id']] | {*row[lists[1]]}}
        absent = {names[n] for n in row[lists[0]]}
        found.append(Labels(path, seen, (), where, absent=absent))
    return list(names.values()), found


def wider_attribute(photos: MultiLabelPhotos) -> Read:
    """WIDER-Attribute: a sample for each person's box; 1, -1, and 0 unspecified (`difficult`)."""
    file = photos.ann_file
    data = read_json(file)
    names = data.get('attribute_id_map') if isinstance(data, dict) else None
    if not isinstance(names, dict) or names.keys() != {*map(str, range(len(names)))}:
        raise AnnotationError(f'{file}: expected attribute_id_map, seen {str(names)[:80]}')
    names, images = [str(names[str(number)]) for number in range(len(names))], []
    for place, image in _section(file, data, 'images', {'file_name': str, 'targets': list}):
        for where, target in _rows(image['targets'], f'{place}.targets', {'attribute': list}):
            where, path = f'{where} ({image["file_name"]})', image['file_name']
            box = _box(target)
            if not box:
                photos.fault(where, f'{BBOX}, seen {target.get("bbox")}')
            images += _coded(photos, path, where, target['attribute'], WIDER, names, box)
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
        box = _box(row)
        if 'bbox' in row and not box:
            photos.fault(where, f'{BBOX}, seen {row["bbox"]}')
        images += _coded(photos, row['img_path'], where, row['target'], CSRA[coding], names, box)
    return names, images


def _indexed(
    photos: MultiLabelPhotos, rows: Iterable[tuple[str, str, Collection]], number: int
) -> Read:
    """Images of (place, path, indices of the present classes), of `number` classes."""
    names, images = photos.numbered(number), []
    for where, path, found in rows:
        wrong = [k for k in found if type(k) is not int or not 0 <= k < len(names)]
        if wrong:
            photos.fault(where, f'expected indices from 0 to {len(names) - 1}, seen {wrong[:5]}')
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
    for i, line in enumerate(read_text(file).splitlines(), 1):
        found = labels.get(name := line.strip())
        if isinstance(found, list):
            rows.append((f'{file}, line {i} ({beside[0].name})', name, found))
        elif name:
            told = f'expected an image with a list of indices in {beside[0].name}'
            photos.fault(f'{file}, line {i}', f'{told}, seen {name[:80]!r}, {str(found)[:80]}')
    return _indexed(photos, rows, int(number))


def robust_loss_txt(photos: MultiLabelPhotos) -> Read:
    """`name.jpg, 0 52`: the lists of Hill's and SPLC's code. No list is empty."""
    rows = []
    for i, line in enumerate(read_text(photos.ann_file).splitlines(), 1):
        where = f'{photos.ann_file}, line {i}'
        name, _, words = line.strip().partition(',')
        if name and words.strip() and all(w.isdecimal() and len(w) < 6 for w in words.split()):
            rows.append((where, name, [int(word) for word in words.split()]))
        elif line.strip():
            photos.fault(where, f"expected 'name.jpg, 0 52', seen {line[:80]!r}")
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
                photos.fault(f'{file}, row {i}', f'{told}, seen {seen}')
            present, absent = ({names[k] for k in np.flatnonzero(row == v)} for v in values[:2])
            yield Labels(str(path), present, (), f'{file}, row {i}', absent=absent)

    return names, images()


def _array(file: Path, kinds: str, ndim: int) -> np.ndarray:
    """An array of a .npy that stays on the disk; pickled objects are refused."""
    if not file.is_file():  # opening a pipe would wait
        raise FileNotFoundError(f'{file}: not found, or not a regular file')
    try:
        array = np.load(file, mmap_mode='r', allow_pickle=False)
    except Exception as error:  # a broken header raises nearly anything
        seen = 'text, or pickled objects' if 'pickle' in str(error) else error
        raise AnnotationError(f'{file}: expected an array of numpy (.npy), seen {seen}') from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds or array.ndim != ndim:
        seen = f'{getattr(array, "dtype", "an archive")} {getattr(array, "shape", "")}'
        raise AnnotationError(f'{file}: expected {ndim} dimensions, type {kinds}; seen {seen}')
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
    lines = map(str.strip, read_text(listed).splitlines())
    paths = [line.replace('\\', '/') for line in lines if line]
    concepts = root / 'ConceptsList/Concepts81.txt'
    names = read_text(concepts).split()
    if not names or repeated(names):
        seen = f'{len(names)} names, twice: {some(repeated(names)) or "none"}'
        raise AnnotationError(f'{concepts}: expected each name once, seen {seen}')
    table = np.zeros((len(paths), len(names)), bool)
    for column, name in zip(table.T, names):
        ending = f'TrainTestLabels/Labels_{name}_{part}' if part else f'AllLabels/Labels_{name}'
        file = root / f'Groundtruth/{ending}.txt'
        words = read_text(file).split()
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
