#!/usr/bin/env python
"""Convert published weights to mlgcn's names, or ours to those of the published code.

python tools/convert_checkpoint.py checkpoint_best.pth addgcn_coco.safetensors
python tools/convert_checkpoint.py work_dirs/addgcn/best.pth for_addgcn.pth --to addgcn

tools/test.py and init_cfg read published files directly; converting is for keeping and passing on.
"""

import argparse
from pathlib import Path

import torch

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
from mlgcn.cli.options import add_trust_option, run


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('source', metavar='SRC', help='weights to read')
    parser.add_argument('target', metavar='DST', help='.safetensors or .pth to write')
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
    add_trust_option(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
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


if __name__ == '__main__':
    run(main)
