"""Writes the built-in data set: generated pictures in COCO layout (see mlgcn/datasets/scenes.py).

python tools/make_scenes.py data/scenes
"""

import argparse
import inspect
import sys

from mlgcn.datasets.scenes import make_scenes


def main() -> None:
    default = {key: par.default for key, par in inspect.signature(make_scenes).parameters.items()}
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument('out', metavar='OUT', help='folder to write, e.g. data/scenes')
    parser.add_argument('--seed', type=int, default=default['seed'])
    parser.add_argument('--train', type=int, default=default['num_train'], metavar='N')
    parser.add_argument('--val', type=int, default=default['num_val'], metavar='N')
    parser.add_argument('--size', type=int, nargs=2, default=default['size'], metavar=('W', 'H'))
    args = parser.parse_args()

    try:
        written = make_scenes(args.out, args.seed, args.train, args.val, tuple(args.size))
    except (OSError, ValueError) as error:
        sys.exit(f'make_scenes.py: {error}')
    print(
        f'{args.out}: {args.train} training and {args.val} test pictures '
        f'{"written" if written else "are there already, nothing written"}.\n'
        'Next: python tools/train.py configs/addgcn/addgcn_scenes.py '
        '(reads $MLGCN_DATA/scenes, by default data/scenes)'
    )


if __name__ == '__main__':
    main()
