"""Time and memory of a config's model with random weights, or of its data loaders."""

import argparse
import collections
import itertools
import sys
from collections.abc import Callable
from dataclasses import asdict

import torch
from mmengine.runner import Runner

from mlgcn.apis.loading import usable_device
from mlgcn.engine.config import ConfigError, build_dataset

from . import arguments
from .measuring import compared, model_and_batch, step
from .suites import markdown, run_suite, versions

LOADERS = {'loader': 'train_dataloader', 'test_loader': 'test_dataloader'}
FORMS = {'plain': ['plain', 'ours'], 'fuse': ['ours', 'fuse'], None: ['ours']}
BATCHES = 8  # of a loader at a time


def main(args: argparse.Namespace) -> None:
    if bool(args.suite) == bool(args.config) or bool(args.suite) != bool(args.out):
        raise ConfigError('expected a config, or --suite NAME and --out DIR')
    if args.suite:
        run_suite(args.suite, args.out, args.device)
        return
    args.device = str(device := usable_device(args.device or 'cpu'))
    if device.type == 'cuda':
        torch.cuda.set_device(device)  # the events that measure times are of the current one
    for name in ('image_size', 'batch_size', 'num_classes'):
        if min(getattr(args, name)) < 1:
            raise ConfigError(f'--{name.replace("_", "-")}: expected numbers above 0')
    if args.threads:
        torch.set_num_threads(args.threads)
    precision, rows = 'bf16' if args.bf16 else 'fp32', []
    sweep = itertools.product(args.what, args.image_size, args.batch_size, args.num_classes)
    for what, size, batch, classes in sweep:
        images, forms = batch, {}
        if what in LOADERS:
            images, forms = batch * BATCHES, {'ours': loader(args, LOADERS[what], batch)}
        else:
            for form in FORMS[args.compare]:
                built = model_and_batch(args, form, size, batch, classes)
                forms[form] = step(what, precision, form, *built)
        case = f'{size}, batch {batch}, {classes} classes, {precision}'
        measured = compared(case, forms, images, args.device, args.repeat)
        rows += [dict(part=what, **asdict(row)) for row in measured]
        if args.profile:
            with torch.profiler.profile() as profile:
                forms['ours']()
            print(profile.key_averages().table(sort_by='self_cpu_time_total', row_limit=12))
    print(markdown(dict(config=args.config, **versions(args.device)), rows))
    if any(row['seconds'] is None for row in rows):
        sys.exit(1)  # a form failed, which its row says


def loader(args: argparse.Namespace, name: str, batch: int) -> Callable[[], None]:
    """A function that reads some batches of the config's data."""
    if args.compare:
        raise ConfigError(f'--compare {args.compare}: data loaders have one form')
    cfg = arguments.load_config(args)
    settings = dict(cfg[name], batch_size=batch, dataset=build_dataset(cfg, name))
    batches = Runner.build_dataloader(settings, seed=0)
    return lambda: collections.deque(itertools.islice(batches, BATCHES), maxlen=0)
