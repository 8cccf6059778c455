"""Convert published weights to mlgcn's names, or ours to those of the published code.

mlgcn convert checkpoint_best.pth addgcn_coco.safetensors
mlgcn convert work_dirs/addgcn/best.pth for_addgcn.pth --to addgcn
mlgcn convert train.data data/coco/annotations/gkgnet_train.json

mlgcn test and init_cfg read published files directly; converting is for keeping and passing on.
GKGNet's published annotation lists (.data, pickles of which nothing is executed) become a COCO json
with labels, without boxes.
"""

import argparse
import json
from pathlib import Path

import torch
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

from mlgcn.checkpoints import (
    CheckpointError,
    about,
    check_finite,
    convert,
    detect,
    implied_classes,
    make_passport,
    save_weights,
    to_published,
    unwrap,
)
from mlgcn.checkpoints.facts import CLASSIFIERS, KINDS, LICENCES
from mlgcn.checkpoints.safe_load import safe_load
from mlgcn.checkpoints.tables import NAMES
from mlgcn.datasets.published_lists import read_published_list

from . import options

# torchvision lists COCO's names by category id; the unused ids are called N/A
COCO_NAMES = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta['categories']
CATEGORIES = [{'id': i, 'name': name} for i, name in enumerate(COCO_NAMES) if i and name != 'N/A']


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('source', metavar='SRC', help='weights or list to read')
    parser.add_argument('target', metavar='DST', help='.safetensors, .pth or .json to write')
    direction = parser.add_mutually_exclusive_group()
    direction.add_argument(
        '--from',
        dest='kind',
        default='auto',
        choices=['auto', *NAMES],
        help='whose names SRC has (default: found out)',
    )
    direction.add_argument(
        '--to', choices=['addgcn', 'gkgnet'], help='write our weights for the published code (.pth)'
    )
    options.add(parser, '--trust-checkpoint')


def main(args: argparse.Namespace) -> None:
    if Path(args.source).suffix == '.data':
        convert_list(args.source, Path(args.target))
        return
    with about(args.source):
        loaded = safe_load(args.source, 'cpu')
        weights = unwrap(loaded)
        check_finite(weights, args.source)
        if args.to:
            write_published(args.target, args.to, weights, loaded.get('meta', {}))
        else:
            write_ours(args.target, args.kind, weights)


def write_ours(target: str, kind: str, weights: dict[str, torch.Tensor]) -> None:
    source = detect(weights) if kind == 'auto' else kind
    if source not in NAMES:
        raise CheckpointError(f'{KINDS[source]}: nothing to convert (it holds {list(weights)[:3]})')
    ours = convert(weights, source)
    mark = CLASSIFIERS.get(source)
    classes = implied_classes(source, len(weights[mark])) if mark in weights else None
    passport = make_passport(ours, classes, LICENCES[source], source=source)
    save_weights(target, ours, passport)
    print(
        f'{target}: {KINDS[source]}; {len(ours)} entries converted, {len(weights) - len(ours)} '
        f'left out on purpose. {LICENCES[source]}'
    )


def write_published(target: str, name: str, weights: dict[str, torch.Tensor], meta: dict) -> None:
    if Path(target).suffix != '.pth' or Path(target).exists():
        raise FileExistsError(f'{target}: expected a new file that ends in .pth')
    published = to_published(weights, name)
    if name == 'addgcn':  # the published loader asks for these keys
        scores = (meta.get('passport', {}).get('metrics') or {}).get('values', {})
        file = dict(
            epoch=meta.get('epoch', 0),
            model_name='ADD_GCN',
            state_dict=published,
            best_score=scores.get('mAP', 0.0) / 100,
        )
    else:
        file = dict(meta={}, state_dict=published)
    torch.save(file, target)
    print(f'{target}: {len(published)} entries for the published {name}')


def convert_list(source: str, target: Path) -> None:
    if target.exists():
        raise FileExistsError(f'{target} exists already; delete it or choose another name')
    names, labels = read_published_list(source, len(CATEGORIES))
    content = {
        'images': [{'id': i, 'file_name': name} for i, name in enumerate(names)],
        'annotations': [
            {'id': n, 'image_id': int(image), 'category_id': CATEGORIES[label]['id']}
            for n, (image, label) in enumerate(zip(*labels.nonzero()), start=1)
        ],
        'categories': CATEGORIES,
    }
    target.write_text(json.dumps(content))
    print(
        f'{target}: {len(names)} images, {len(content["annotations"])} labels. '
        "Next: give it to a CocoMultiLabel data set as its `ann_file`, with class_order='id' and "
        'the folder of the images as `data_prefix`.'
    )
