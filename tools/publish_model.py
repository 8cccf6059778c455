#!/usr/bin/env python
"""Write a checkpoint's weights and passport alone, without the optimiser, to pass them on.

python tools/publish_model.py work_dirs/addgcn_coco_448/best_mAP_epoch_50.pth addgcn.safetensors
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
from mlgcn.cli.options import add_trust_option, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('source', metavar='IN', help='checkpoint of tools/train.py')
    parser.add_argument('target', metavar='OUT', help='.safetensors (preferred) or .pth to write')
    parser.add_argument('--licence', help='terms of use of the weights, in one sentence')
    add_trust_option(parser)
    args = parser.parse_args()

    loaded = load(args.source, 'cpu')
    weights = unwrap(loaded)
    check_finite(weights, args.source)
    meta = loaded.get('meta', {})
    passport = meta.get('passport')
    if 'source' in meta and passport is None:
        raise CheckpointError(f'{args.source}: not ours; use tools/convert_checkpoint.py')
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


if __name__ == '__main__':
    run(main)
