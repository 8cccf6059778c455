"""Time and memory of a config's model with random weights, or of its data loaders."""

import argparse
import collections
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext

import torch
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from rich.console import Console
from rich.table import Column, Table
from torch import nn
from torch.utils.benchmark import Measurement, Timer

from mlgcn.engine.config import ConfigError, build_dataset, fit_to_data
from mlgcn.engine.fuse import fuse
from mlgcn.models.layers.grapher import graph_operators
from mlgcn.models.layers.memory import all_kept
from mlgcn.ops import group_knn_plain, max_relative_plain
from mlgcn.registry import MODELS

from . import arguments

LOADERS = {'loader': 'train_dataloader', 'test_loader': 'test_dataloader'}
FORMS = {'plain': ['plain', 'ours'], 'fuse': ['ours', 'fuse'], None: ['ours']}
HEADINGS = ('what', 'size', 'batch', 'classes', 'form', 'median s', 'iqr s', 'images/s', 'peak MiB')
BATCHES = 8  # of a loader at a time


def main(args: argparse.Namespace) -> None:
    args.threads = args.threads or torch.get_num_threads()
    device = torch.device(args.device)
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


def peak_mib(function: Callable, device: torch.device) -> float:
    """MiB of tensors that one call needs beyond what is held before it, at most."""
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        function()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with torch.profiler.profile(profile_memory=True) as profile:
        function()
    held = peak = 0  # torch's own tables sum up by operator: no peak
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == '[memory]']
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak / 2**20


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
    cfg = arguments.load_config(args)
    if args.compare == 'plain' and cfg.model.backbone.type != 'mlgcn.PyramidViG':
        seen = cfg.model.backbone.type
        raise ConfigError(f'--compare plain is for the backbone mlgcn.PyramidViG, not {seen}')
    fit_to_data(cfg, [f'class {i}' for i in range(num_classes)])
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).to(args.device).eval()
    model = fuse(model) if form == 'fuse' else model
    images = torch.randn(batch, 3, size, size, device=args.device)
    present = (torch.rand(batch, num_classes) < 0.1).float().to(args.device)
    labels = [DataSample().set_gt_score(row) for row in present]

    def run() -> None:
        amp = torch.autocast(images.device.type, torch.bfloat16, enabled=args.bf16)
        with plain(model) if form == 'plain' else nullcontext(), amp:
            if what == 'forward':
                with torch.no_grad():
                    model.eval()(images)
            else:
                model.train().zero_grad()
                sum(model(images, labels, mode='loss').values()).backward()

    return run


@contextmanager
def plain(model: nn.Module) -> Iterator[None]:
    """GKGNet step by step as published: whole distance matrices, every activation kept."""
    published = dict(search=group_knn_plain, aggregate=max_relative_plain)
    with graph_operators(model, **published), all_kept():
        yield
