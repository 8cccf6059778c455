"""Run a frozen backbone once over all photographs and store its maps."""

import argparse
from pathlib import Path

from mmengine.logging import MMLogger

from mlgcn.apis.shipped_configs import find_config
from mlgcn.engine.config import listed_images, read_config
from mlgcn.features import extract_features

SPLITS = ('own.train', 'own.val', 'own.test')


def main(args: argparse.Namespace) -> None:
    if len(args.data) > len(SPLITS):
        raise ValueError(f'{len(args.data)} lists of photographs, expected at most {len(SPLITS)}')
    given = dict(zip(SPLITS, args.data))
    if args.stages:
        given['model.backbone.out_indices'] = tuple(args.stages)
    cfg = read_config(find_config(args.config), {**args.cfg_options, **given})
    folder = Path(args.out)
    if args.force:  # without it the rest is written anew; other files of the folder stay
        (folder / 'features.json').unlink(missing_ok=True)
    MMLogger.get_current_instance().setLevel('WARNING')  # upstream lists every weight
    count = extract_features(cfg, listed_images(cfg), folder)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 2**20
    print(f'{folder}: {count} images computed now; {size:.0f} MiB in all')
