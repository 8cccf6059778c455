"""Write a label file in which labels of a training set are removed, as a paper did."""

import argparse
import csv
import hashlib
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlgcn.atomic_files import refuse_existing, write_atomically
from mlgcn.datasets.hidden_labels import RULES, hide_labels, published_order, split_rows
from mlgcn.messages import printable, some

from . import arguments

MOST_CELLS = 2**30  # images x classes, one byte each


def main(args: argparse.Namespace) -> None:
    given = [out for out in (args.out, args.validation) if out]
    outs = [arguments.check_new(out, args.force, '.csv') for out in given]
    for out in outs:
        refuse_existing(out.with_suffix('.json'), args.force)
    classes, names, labels = read_labels(args)
    if args.rule == 'single':
        order = published_order(names)
        names, labels = [names[i] for i in order], labels[order]
    left = hide_labels(labels, args.rule, args.amounts, args.seed)
    chosen = RULES[args.rule]
    facts = {
        'rule': args.rule,
        'amounts': args.amounts or list(chosen.amounts.values()),
        'seed': chosen.seed if args.seed is None else args.seed,
        'classes': list(classes),
        'images': len(names),
        'sha256': hashlib.sha256(left.tobytes()).hexdigest(),  # int8, in the order of the draws
    }
    parts = split_rows(len(names)) if args.validation else (range(len(names)),)
    for out, table, rows in zip(outs, (left, labels), parts):
        _write(out, classes, [names[i] for i in rows], table[rows])
        write_atomically(out.with_suffix('.json'), json.dumps({**facts, 'rows': len(rows)}))
        known, positive = (table[rows] >= 0).mean(), (table[rows] == 1).sum()
        print(f'{out}: {len(rows):,} images, {known:.1%} of labels known, {positive:,} positive')
    empty = [name for name, column in zip(classes, left.T) if not (column == 1).any()]
    if empty:
        print(printable(f'{len(empty)} classes have no known positive: {some(empty)}'))
    unlabelled = (left < 0).all(axis=1).sum()
    if unlabelled:
        print(f'{unlabelled:,} images have no known label')


def read_labels(args: argparse.Namespace) -> tuple[Sequence[str], list[str], np.ndarray]:
    """(K classes, N paths from the images' folder, int8 labels (N, K)) of the training set."""
    dataset = arguments.training_labels(args)
    while hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    classes = dataset.metainfo['classes']
    if len(dataset) * len(classes) > MOST_CELLS:
        seen = f'{len(dataset):,} images x {len(classes):,} classes'
        raise ValueError(f'{seen}: expected {MOST_CELLS:,} labels at most')
    items = list(map(dataset.get_data_info, range(len(dataset))))
    folder = getattr(dataset, 'img_prefix', '') or '.'
    names = [os.path.relpath(item['img_path'], folder) for item in items]
    return classes, names, np.stack([item['gt_score'] for item in items]).astype(np.int8)


def _write(path: Path, classes: Sequence[str], names: list[str], labels: np.ndarray) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(['file', *classes])
    writer.writerows([name, *row] for name, row in zip(names, labels.tolist()))
    write_atomically(path, text.getvalue())
