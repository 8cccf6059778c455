"""Write a checkpoint's weights and passport alone, without the training state, to pass them on.

mlgcn publish work_dirs/addgcn_coco_448/best_mAP_epoch_50.pth addgcn.safetensors
"""

import argparse
import os

from mlgcn.checkpoints import (
    CheckpointError,
    check_finite,
    fingerprint,
    make_passport,
    save_weights,
    unwrap,
)
from mlgcn.checkpoints.loading import load

from . import options


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('source', metavar='IN', help='checkpoint of mlgcn train')
    parser.add_argument('target', metavar='OUT', help='.safetensors (preferred) or .pth to write')
    parser.add_argument('--licence', help='terms of use of the weights, in one sentence')
    options.add(parser, '--trust-checkpoint')


def main(args: argparse.Namespace) -> None:
    loaded = load(args.source, 'cpu')
    weights = unwrap(loaded)
    check_finite(weights, args.source)
    meta = loaded.get('meta', {})
    passport = meta.get('passport')
    if 'source' in meta and passport is None:
        raise CheckpointError(f'{args.source}: not ours; use mlgcn convert')
    if passport is not None and passport['sha256'] != fingerprint(weights):
        raise CheckpointError(f"{args.source}: the weights are not those of its passport's sha256")
    if passport is None:  # saved without PassportHook
        classes = meta.get('dataset_meta', {}).get('classes')
        passport = make_passport(weights, classes, 'No licence stated.')
    if args.licence:
        passport = {**passport, 'licence': args.licence}
    save_weights(args.target, weights, passport)
    print(
        f'{args.target}: {os.path.getsize(args.target) / 2**20:.1f} MiB of '
        f'{os.path.getsize(args.source) / 2**20:.1f}; sha256 of the weights {passport["sha256"]}'
    )
