"""Check the data of a config: mlgcn check CONFIG."""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmpretrain.registry import DATASETS

from mlgcn.atomic_files import refuse_existing, write_atomically
from mlgcn.datasets import MultiLabelPhotos, readers
from mlgcn.datasets.annotations import AnnotationError, Labels, contradictions
from mlgcn.datasets.audit import Finding, Split, findings, report_dict, report_text
from mlgcn.datasets.image_check import ImageFacts, image_facts
from mlgcn.datasets.own_photos import united
from mlgcn.messages import printable
from mlgcn.progress import track

from . import arguments

FAULTS = 'annotations that cannot be read'


def main(args: argparse.Namespace) -> None:
    if args.workers < 1:
        raise ValueError(f'--workers {args.workers}: expected 1 or more')
    cfg = arguments.load_config(args)
    folder = Path(args.work_dir or f'work_dirs/{Path(args.config).stem}')
    folder.mkdir(parents=True, exist_ok=True)
    targets = [folder / f'dataset_check.{ending}' for ending in ('txt', 'json')]
    for target in targets:
        refuse_existing(target, args.force)
    cv2.setNumThreads(0)  # the processes are the threads
    splits, unreadable, read_options = read_splits(cfg)
    if not splits:
        raise ValueError(unreadable[0].cases[0] if unreadable else f'{args.config}: no data set')
    paths = dict.fromkeys(labels.img_path for split in splits for labels in split.images)
    facts = read_all(list(paths), read_options, args.workers)
    found = sorted([*unreadable, *findings(splits, facts)], key=lambda f: not f.is_error)

    report = report_dict(splits, found)
    text = report_text(report)
    for target, content in zip(targets, (text + '\n', json.dumps(report, indent=1))):
        write_atomically(target, content)
    errors = sum(len(cases) for cases in report['errors'].values())
    text = printable(text)
    print(f'{text}\n\n{errors} errors in {len(facts)} images. Every case: {folder}/dataset_check.*')
    sys.exit(1 if errors else 0)


def read_splits(cfg: Config) -> tuple[list[Split], list[Finding], dict]:
    """The splits that can be read, findings about their annotations, `LoadImage`'s options."""
    splits, found, classes, seen, read_options = [], [], None, [], {}
    for name in ('train', 'val', 'test'):
        sets = list(readers(cfg.get(f'{name}_dataloader')))
        if sets in seen:
            continue  # as a rule the test set is the validation set
        seen.append(sets)
        parts = []
        for number, settings in enumerate(sets, 1):
            part = name if len(sets) == 1 else f'{name}[{number}]'
            problems, notes = (), ()
            try:
                photos = DATASETS.build(dict(settings, lazy_init=True))
                names, images = _read(photos)
            except (ValueError, OSError) as error:
                problems = error.args if isinstance(error, AnnotationError) else [str(error)]
            else:
                parts.append((part, photos.metainfo.get('classes'), names, images))
                read_options |= getattr(photos, 'read_options', {})
                problems, notes = getattr(photos, 'problems', ()), getattr(photos, 'notes', ())
                problems = problems or ([] if images else ['no image is listed'])
            found.append(Finding(True, f'{part}: {FAULTS}', list(problems)))
            found.append(Finding(False, f'{part}: how the annotations were read', list(notes)))
        differ = list(contradictions([(names, images) for _, _, names, images in parts]))
        found.append(Finding(True, f'{name}: lists that contradict each other', differ))
        if parts:
            classes = classes or united([names for _, _, names, _ in parts])
            splits += [Split(part, stated or classes, images) for part, stated, _, images in parts]
    return splits, [finding for finding in found if finding.cases], read_options


def _read(photos: BaseDataset) -> tuple[Sequence[str], list[Labels]]:
    """Class names and labels of a data set, also of mmpretrain's own."""
    if isinstance(photos, MultiLabelPhotos):
        names, images = photos.read()
        return names, photos.with_boxes(images)
    photos.full_init()
    names = photos.metainfo.get('classes')
    if not names:
        raise ValueError(f'{type(photos).__name__} has no class names')
    items = map(photos.get_data_info, range(len(photos)))
    where = f'{type(photos).__name__}, image {{}}'.format
    return names, [
        Labels(item['img_path'], [names[k] for k in np.atleast_1d(item['gt_label'])], (), where(i))
        for i, item in enumerate(items)
    ]


def read_all(paths: list[str], read_options: dict, workers: int) -> dict[str, ImageFacts]:
    """{path: what its image is like}, read by `workers` processes."""
    read = partial(image_facts, **read_options)
    try:
        with ProcessPoolExecutor(workers) as pool:
            facts = pool.map(read, paths, chunksize=16)
            facts = track(facts, 'images', len(paths))
            return {fact.path: fact for fact in facts}
    except BrokenProcessPool:
        raise OSError('a process that reads was killed: out of memory? try --workers 1') from None
