"""Write one HTML page about the scores of one or more runs.

mlgcn test CONFIG CKPT --out addgcn.npz
mlgcn report addgcn.npz baseline.npz --annotations instances_val2014.json
"""

import argparse
import sys
import warnings
from pathlib import Path

from mlgcn.atomic_files import refuse_existing
from mlgcn.engine.config import ConfigError
from mlgcn.evaluation import PROTOCOLS
from mlgcn.visualization.report import write_report

from . import options


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('scores', nargs='+', metavar='SCORES.npz', help='from mlgcn test --out')
    options.add(parser, '--out', default='report.html', help='the page (report.html)')
    options.add(parser, '--force')
    add('--names', nargs='+', help='name of each run (its file stem)')
    add('--images', metavar='DIR', help='the photographs, if not where the scores file says')
    add('--annotations', help="COCO json or VOC folder with boxes, for AP by the objects' sizes")
    add('--protocol', choices=PROTOCOLS, help="whose metrics (the scores files' own)")
    add('--common-images', action='store_true', help='leave out images that not all runs have')
    add('--replicates', type=int, default=1000, help='of the bootstrap (1000)')
    options.add(parser, '--seed', default=0, help='of the bootstrap')


def main(args: argparse.Namespace) -> None:
    names = args.names or [Path(path).stem for path in args.scores]
    if len(set(names)) != len(args.scores) or len(names) != len(args.scores):
        raise ConfigError(f'{len(args.scores)} scores files, but --names {names}')
    refuse_existing(args.out, args.force)
    warnings.showwarning = lambda message, *_: print(f'warning: {message}', file=sys.stderr)
    write_report(
        dict(zip(names, args.scores)), args.out, args.images, args.annotations, args.protocol,
        args.common_images, args.replicates, args.seed,
    )  # fmt: skip
    size = Path(args.out).stat().st_size / 2**20
    print(f'Wrote {args.out} ({size:.1f} MiB): open it in a browser')
