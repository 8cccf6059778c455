"""Own photographs: one data set type whose reader follows from what it is pointed at."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from mlgcn.messages import some
from mlgcn.registry import DATASETS

from .annotations import YAML, AnnotationError, contradictions
from .base import MOST_PROBLEMS, MultiLabelPhotos
from .coco import CocoMultiLabel, JsonMultiLabel
from .csv_labels import CsvMultiLabel
from .label_table import cooccurrence
from .voc import VOCMultiLabel

KINDS = """a COCO json or one of mmpretrain (or YAML), a CSV with the lines \
`file,label1|label2`, a list .../ImageSets/Main/NAME.txt of a VOC folder, or a folder that holds \
Annotations/ (VOC's XML)"""
OWN_KEYS = ('train', 'val', 'test', 'images', 'separator', 'unlisted', 'size', 'group')
SPLITS = OWN_KEYS[:3]
UPSTREAM = ('MultiLabelDataset', 'mmpretrain.MultiLabelDataset')


@DATASETS.register_module(name='OwnPhotos')
def own_photos(
    ann_file: str,
    images: str = '',
    separator: str = '',
    unlisted: str = '',
    group: str = '',
    **kwargs,
) -> MultiLabelPhotos:
    """The data set of `ann_file`, whose kind its ending tells.

    * `*.json`: `CocoMultiLabel`, or `JsonMultiLabel` where it has a `data_list`, as all YAML
      (`*.yaml`, `*.yml`) must have. Images: for
      `annotations/instances_NAME.json` COCO's own folder `NAME/` beside `annotations/` where it
      exists, else the json's folder.
    * `*.csv`, `*.tsv`: `CsvMultiLabel`. Images: relative to the file's folder.
    * `ROOT/ImageSets/Main/NAME.txt`: `VOCMultiLabel` of that split. Images: `ROOT/JPEGImages`.
    * a folder with `Annotations/*.xml`: `VOCMultiLabel` of all its XML files. Images: as above.

    Args:
        ann_file: path as the shell has it, not relative to a data root.
        images: the folder of the images, where it is another one.
        separator: between the labels of a CSV's cell.
        unlisted: 'negative' or 'unknown', the classes that an image does not list. '': negative,
            but unknown in a CSV that marks absent labels.
        group: a CSV's column that names the occasion of each photograph.
        kwargs: those of `MultiLabelPhotos`.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: it is none of these kinds.
    """
    path = _found(ann_file)
    if images:
        kwargs['data_prefix'] = os.path.abspath(os.path.expanduser(images))
    if unlisted:
        kwargs['unlisted'] = unlisted
    ending = path.suffix.lower()
    if group and ending not in ('.csv', '.tsv'):
        raise ValueError(f'own.group={group}: {path} has no columns; expected folder, or a CSV')
    if ending in ('.json', *YAML):
        return _of_json(path, **kwargs)
    if ending in ('.csv', '.tsv'):
        kwargs = {'data_prefix': str(path.parent), 'group': group, **kwargs}
        return CsvMultiLabel(str(path), separator, **kwargs)
    return _of_voc(path, **kwargs)


def _found(ann_file: str) -> Path:
    if not ann_file:
        advice = f'give `--cfg-options own.train=PATH own.val=PATH`; each is {KINDS}'
        raise ValueError(f'own photographs: no annotation file; {advice}')
    path = Path(os.path.abspath(os.path.expanduser(ann_file)))
    if not path.exists():
        hint = '. Give one list for a split: several are parts of a ConcatDataset'
        told = f'own photographs: {path} not found; expected {KINDS}'
        raise FileNotFoundError(told + hint * (',' in str(ann_file)))
    return path


def _of_json(path: Path, **kwargs) -> MultiLabelPhotos:
    folder = path.parent.parent / path.stem.removeprefix('instances_')
    is_coco_layout = path.parent.name == 'annotations' and folder.is_dir()
    kwargs.setdefault('data_prefix', str(folder if is_coco_layout else path.parent))
    content = path.read_bytes()  # parsed once, by the reader
    is_coco = b'"data_list"' not in content or b'"categories"' in content
    is_coco = is_coco and path.suffix.lower() == '.json'
    return (CocoMultiLabel if is_coco else JsonMultiLabel)(str(path), **kwargs)


def _of_voc(path: Path, **kwargs) -> MultiLabelPhotos:
    if path.suffix.lower() == '.txt' and path.parts[-3:-1] == ('ImageSets', 'Main'):
        return VOCMultiLabel(data_root=str(path.parents[2]), split=path.stem, **kwargs)
    if (path / 'Annotations').is_dir():
        return VOCMultiLabel(data_root=str(path), split='', **kwargs)
    raise ValueError(f'own photographs: {path} seen; expected {KINDS}')


def readers(node: Any) -> Iterator[Any]:
    """The readers, or their configs, in a loop, a loader and wrappers such as ConcatDataset."""
    get = node.get if isinstance(node, dict) else partial(getattr, node)
    inner = [get(key, None) for key in ('dataloader', 'dataset')]
    parts = [part for part in inner if part is not None] or get('datasets', None) or ()
    if not parts and node not in (None, {}):
        yield node
    for part in parts:
        yield from readers(part)


def use_own_photos(cfg: dict) -> None:
    """Write `cfg['own']` into the data sets of the three loaders, also inside wrappers, in place.

    Options given on the command line reach one key each; this lets `own.train=... own.val=...`
    reach every data set. Where `test` is empty, the test loader reads `val`. `size` is the side in
    pixels to which all pipelines resize. A `MultiLabelDataset` of json or YAML becomes our
    reader of such files, which checks them and goes by the names of the classes.

    Raises:
        ValueError: another key in `own`, or nothing that it could reach.
    """
    parts = {n: list(readers(cfg.get(f'{n}_dataloader'))) for n in SPLITS}
    for part in (part for found in parts.values() for part in found):
        if part.get('type') in UPSTREAM and str(part.get('ann_file')).endswith(('.json', *YAML)):
            part['type'] = 'mlgcn.JsonMultiLabel'
    if cfg.get('own') is None:
        return
    wrong = [key for key in cfg['own'] if key not in OWN_KEYS]
    if wrong:
        raise ValueError(f'own: expected the keys {", ".join(OWN_KEYS)}, seen {some(wrong)}')
    own = {**dict.fromkeys(OWN_KEYS, ''), **cfg['own']}
    files = {'train': own['train'], 'val': own['val'], 'test': own['test'] or own['val']}
    for name, ann_file in files.items():
        ours = [part for part in parts[name] if str(part.get('type')).endswith('OwnPhotos')]
        if ann_file and not ours:
            seen = some(str(part.get('type')) for part in parts[name])
            expected = f'expected mlgcn.OwnPhotos in {name}_dataloader.dataset.type, seen {seen}'
            raise ValueError(f'own.{name}: {expected}')
        for part in ours:
            if len(parts[name]) == 1 or not part.get('ann_file'):
                options = {key: own[key] for key in ('images', 'separator', 'unlisted')}
                group = '' if own['group'] == 'folder' else own['group']
                part.update(ann_file=ann_file, group=group, **options)
            if own['size']:
                _resize_to(own['size'], part.get('pipeline') or (), f'{name}_dataloader')


def _resize_to(size: int | str, pipeline: Sequence[dict], where: str) -> None:
    if not str(size).isdecimal() or not int(size):
        raise ValueError(f'own.size={size}: expected the side of the pictures in pixels, e.g. 224')
    steps = [step for step in pipeline if step['type'] in ('Resize', 'RandomResizedCrop')]
    if pipeline and not steps:
        seen = some(step['type'] for step in pipeline)
        raise ValueError(f'own.size: the pipeline of {where} has no Resize, seen {seen}')
    for step in steps:
        step['scale'] = (int(size), int(size))


def unite_classes(dataset: dict) -> None:
    """Give the parts of a ConcatDataset the same classes: theirs, united by name and sorted.

    Parts with `classes`, and data sets that are not of mlgcn, are left as they are.

    Raises:
        AnnotationError: an image of two parts has a class that both know in one of them alone.
    """
    parts = list(readers(dataset))
    if len(parts) < 2 or any(part.get('classes') for part in parts):
        return
    built = [DATASETS.build({**part, 'lazy_init': True}) for part in parts]
    if not all(isinstance(photos, MultiLabelPhotos) for photos in built):
        return
    read = [photos.read() for photos in built]
    if faults := list(islice(contradictions(read), MOST_PROBLEMS)):
        raise AnnotationError(*faults)
    lists = [names for names, _ in read]
    for part in parts if any(names != lists[0] for names in lists) else ():
        part['classes'] = united(lists)


def united(lists: Sequence[Sequence[str]]) -> list[str]:
    """The classes of several lists: those of the first where all are equal, else sorted."""
    same = all(list(names) == list(lists[0]) for names in lists)
    return list(lists[0]) if same else sorted({name for names in lists for name in names})


def label_counts(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Counts of the annotated images of a :class:`MultiLabelPhotos`, also inside wrappers.

    As in ML-GCN's published counts; no image counts twice where a wrapper repeats it.

    Returns:
        `nums` (K,): images with each label; `adj` (K, K): images with both, the diagonal 0. int64.
    """
    parts = [(list(part.read_labels()[1]), part.metainfo['classes']) for part in readers(dataset)]
    adj = sum(cooccurrence(images, classes) for images, classes in parts)
    nums = adj.diagonal().copy()
    np.fill_diagonal(adj, 0)
    return nums, adj
