"""Time and memory of a config's model with random weights, or of its data loaders."""

import argparse
import collections
import itertools
import time
from collections.abc import Callable, Mapping

import torch
from mmengine.runner import Runner
from rich.console import Console
from rich.table import Column, Table
from torch.utils.benchmark import Measurement, Timer

from mlgcn.apis.loading import usable_device
from mlgcn.engine.config import ConfigError, build_dataset

from . import arguments
from .measuring import form_of, model_and_batch, peak_mib
from .suites import run_suite

LOADERS = {'loader': 'train_dataloader', 'test_loader': 'test_dataloader'}
FORMS = {'plain': ['plain', 'ours'], 'fuse': ['ours', 'fuse'], None: ['ours']}
HEADINGS = ('what', 'size', 'batch', 'classes', 'form', 'median s', 'iqr s', 'images/s', 'peak MiB')
BATCHES = 8  # of a loader at a time


def main(args: argparse.Namespace) -> None:
    if bool(args.suite) == bool(args.config) or bool(args.suite) != bool(args.out):
        raise ConfigError('expected a config, or --suite NAME and --out DIR')
    if args.suite:
        run_suite(args.suite, args.out, args.device)
        return
    args.device = args.device or 'cpu'
    args.threads = args.threads or torch.get_num_threads()
    device = usable_device(args.device)
    for name in ('image_size', 'batch_size', 'num_classes'):
        if min(getattr(args, name)) < 1:
            raise ConfigError(f'--{name.replace("_", "-")}: expected numbers above 0')
    name = torch.cuda.get_device_name(device) if device.type == 'cuda' else 'CPU'
    title = f'{args.config}, {name}, {args.threads} threads, torch {torch.__version__}'
    columns = [Column(heading, no_wrap=True) for heading in HEADINGS]
    table = Table(*columns, title=f'{title}, {time.strftime("%F")}')
    sweep = itertools.product(args.what, args.image_size, args.batch_size, args.num_classes)
    for what, size, batch, classes in sweep:
        if what in LOADERS:
            images, functions = batch * BATCHES, {'ours': loader(args, LOADERS[what], batch)}
        else:
            shape = what, size, batch, classes
            images, functions = batch, {f: step(args, f, *shape) for f in FORMS[args.compare]}
        for form, seen in in_turns(functions, args).items():
            numbers = seen.median, seen.iqr, images / seen.median
            memory = peak_mib(functions[form], device)
            cells = [*map(str, (what, size, batch, classes)), form, *map('{:.4f}'.format, numbers)]
            table.add_row(*cells, f'{memory:.0f}')
        if args.profile:
            with torch.profiler.profile() as profile:
                functions['ours']()
            print(profile.key_averages().table(sort_by='self_cpu_time_total', row_limit=12))
    Console(width=140).print(table)


def in_turns(functions: Mapping[str, Callable], args: argparse.Namespace) -> dict[str, Measurement]:
    """The time of every function; all of them are measured once, then all again, and so on."""
    seen: dict[str, list[Measurement]] = {form: [] for form in functions}
    for _ in range(args.repeat):
        for form, function in functions.items():
            timer = Timer('run()', globals=dict(run=function), num_threads=args.threads)
            seen[form].append(timer.blocked_autorange())
    return {form: Measurement.merge(measured)[0] for form, measured in seen.items()}


def loader(args: argparse.Namespace, name: str, batch: int) -> Callable[[], None]:
    """A function that reads some batches of the config's data."""
    if args.compare:
        raise ConfigError(f'--compare {args.compare}: data loaders have one form')
    cfg = arguments.load_config(args)
    settings = dict(cfg[name], batch_size=batch, dataset=build_dataset(cfg, name))
    batches = Runner.build_dataloader(settings, seed=0)
    return lambda: collections.deque(itertools.islice(batches, BATCHES), maxlen=0)


def step(
    args: argparse.Namespace, form: str, what: str, size: int, batch: int, num_classes: int
) -> Callable[[], None]:
    """A function that runs one form of the model on random images and labels."""
    model, images, labels = model_and_batch(args, form, size, batch, num_classes)

    def run() -> None:
        amp = torch.autocast(images.device.type, torch.bfloat16, enabled=args.bf16)
        with form_of(model, form), amp:
            if what == 'forward':
                with torch.no_grad():
                    model.eval()(images)
            else:
                model.train().zero_grad()
                sum(model(images, labels, mode='loss').values()).backward()

    return run
