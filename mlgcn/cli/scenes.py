"""Write the built-in data set: generated pictures in COCO layout (mlgcn/datasets/scenes.py)."""

import argparse
import inspect
import os

from mlgcn.datasets.scenes import make_scenes

from . import options


def add_options(parser: argparse.ArgumentParser) -> None:
    default = {key: par.default for key, par in inspect.signature(make_scenes).parameters.items()}
    folder = os.path.join(os.environ.get('MLGCN_DATA', 'data'), 'scenes')
    parser.add_argument('out', metavar='DIR', nargs='?', default=folder, help=f'({folder})')
    options.add(parser, '--seed', default=default['seed'])
    parser.add_argument('--train', type=int, default=default['num_train'], metavar='N')
    parser.add_argument('--val', type=int, default=default['num_val'], metavar='N')
    parser.add_argument('--size', type=int, nargs=2, default=default['size'], metavar=('W', 'H'))


def main(args: argparse.Namespace) -> None:
    written = make_scenes(args.out, args.seed, args.train, args.val, tuple(args.size))
    print(
        f'{args.out}: {args.train} training and {args.val} test pictures '
        f'{"written" if written else "are there already, nothing written"}.\n'
        'Next: mlgcn train addgcn_scenes (reads $MLGCN_DATA/scenes, by default data/scenes)'
    )
