#!/usr/bin/env python
"""Train: `python tools/train.py CONFIG` (several GPUs: `bash tools/dist_train.sh CONFIG N`)."""

import argparse

from mmengine.dist import get_world_size
from mmengine.runner import Runner

from mlgcn.engine.command import add_config_options, load_config, run
from mlgcn.engine.fit_to_data import build_dataset, check_batch_size, fit_to_data


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_config_options(parser)
    parser.add_argument(
        '--resume', nargs='?', const='auto', help='go on from CKPT, or the latest of the work dir'
    )
    parser.add_argument('--seed', type=int, help='seed of weights, order and augmentation')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    if args.seed is not None:
        cfg.randomness = dict(seed=args.seed, deterministic=True)
    if args.resume:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume

    train_set = build_dataset(cfg, 'train_dataloader')
    fit_to_data(cfg, train_set.metainfo['classes'])
    check_batch_size(cfg, train_set, get_world_size())

    runner = Runner.from_cfg(cfg)
    runner._train_dataloader['dataset'] = train_set  # built once, not twice
    runner.train()
    runner.logger.info(
        f'Done. Checkpoints are in {runner.work_dir}; score one with: python tools/test.py '
        f'{args.config} {runner.work_dir}/CHECKPOINT.pth --metrics all'
    )


if __name__ == '__main__':
    run(main)
