"""Write one HTML page about the scores of one or more runs."""

import argparse
from pathlib import Path

from mlgcn.atomic_files import refuse_existing
from mlgcn.engine.config import ConfigError
from mlgcn.visualization.report import write_report


def main(args: argparse.Namespace) -> None:
    names = args.names or [Path(path).stem for path in args.scores]
    if len(set(names)) != len(args.scores) or len(names) != len(args.scores):
        raise ConfigError(f'{len(args.scores)} scores files, but --names {names}')
    refuse_existing(args.out, args.force)
    write_report(
        dict(zip(names, args.scores)), args.out, args.images, args.annotations, args.protocol,
        args.common_images, args.replicates, args.seed,
    )  # fmt: skip
    size = Path(args.out).stat().st_size / 2**20
    print(f'Wrote {args.out} ({size:.1f} MiB): open it in a browser')
