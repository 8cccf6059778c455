"""Write one HTML page about the scores of one or more runs.

mlgcn test CONFIG CKPT --out addgcn.npz
mlgcn report addgcn.npz baseline.npz --annotations instances_val2014.json
"""

import argparse
import sys
import warnings
from pathlib import Path

from mlgcn.engine.config import ConfigError
from mlgcn.evaluation import PROTOCOLS
from mlgcn.visualization.report import write_report

from . import options


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('scores', nargs='+', metavar='SCORES.npz', help='from mlgcn test --out')
    options.add(parser, '--out', default='report.html', help='the page (default: %(default)s)')
    parser.add_argument('--names', nargs='+', help='name of each run (default: its file stem)')
    parser.add_argument(
        '--images', metavar='DIR', help='the photographs, if not where the scores file says'
    )
    parser.add_argument(
        '--annotations',
        metavar='PATH',
        help="COCO json or VOC folder with the objects' boxes, for AP by object size",
    )
    parser.add_argument(
        '--protocol', choices=PROTOCOLS, help="whose metrics (default: the scores files' own)"
    )
    parser.add_argument(
        '--common-images',
        action='store_true',
        help='compare on the images that all runs have, instead of refusing other images',
    )
    parser.add_argument(
        '--replicates', type=int, default=1000, help='of the bootstrap (default: %(default)s)'
    )
    options.add(parser, '--seed', default=0, help='of the bootstrap')
    parser.add_argument('--title', default='Multi-label scores', help='heading of the page')


def main(args: argparse.Namespace) -> None:
    names = args.names or [Path(path).stem for path in args.scores]
    if len(set(names)) != len(args.scores) or len(names) != len(args.scores):
        raise ConfigError(
            f'{len(args.scores)} scores files need as many different --names: {names}'
        )
    warnings.showwarning = lambda message, *_: print(f'warning: {message}', file=sys.stderr)
    write_report(
        dict(zip(names, args.scores)),
        args.out,
        args.images,
        args.annotations,
        args.protocol,
        args.common_images,
        args.replicates,
        args.seed,
        args.title,
    )
    size = Path(args.out).stat().st_size / 2**20
    print(f'Wrote {args.out} ({size:.1f} MiB): open it in a browser')
