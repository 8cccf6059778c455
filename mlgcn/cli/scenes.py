"""Write the built-in data set: generated pictures in COCO layout (mlgcn/datasets/scenes.py)."""

import argparse
import os

from mlgcn.datasets.scenes import make_scenes


def main(args: argparse.Namespace) -> None:
    written = make_scenes(args.out, args.seed, args.train, args.val, tuple(args.size))
    print(
        f'{args.out}: {args.train} training and {args.val} test pictures '
        f'{"written" if written else "are there already, nothing written"}.\n'
        f'Next: {next_command(args.out)}'
    )


def next_command(out: str) -> str:
    """The training on what lies in `out`; the configs read $MLGCN_DATA/scenes."""
    root, name = os.path.split(os.path.normpath(out))
    if name != 'scenes':
        options_ = (f'{part}_dataloader.dataset.data_root={out}' for part in ('train', 'val'))
        return f'mlgcn train addgcn_scenes --cfg-options {" ".join(options_)}'
    is_default = root == os.path.normpath(os.environ.get('MLGCN_DATA', 'data'))
    return ('' if is_default else f'MLGCN_DATA={root or "."} ') + 'mlgcn train addgcn_scenes'
