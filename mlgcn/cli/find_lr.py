"""Find a learning rate: the loss while the rate grows from batch to batch, as a picture."""

import argparse
import os
import sys
from contextlib import closing, redirect_stdout, suppress
from shlex import quote
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.figure import Figure
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mlgcn.atomic_files import open_atomically
from mlgcn.engine.runner import build_runner
from mlgcn.progress import Bar

from . import arguments

DIVERGED = 4  # the test ends where the loss is so many times its least value, as fastai's does
SMOOTHING = 0.9  # share of the past in the running mean of the loss


class GrowingRate(Hook):
    """Multiplies every group's learning rate by the same factor after each batch; keeps the losses.

    Args:
        first: rate of the first batch, of a group without a multiplier of its own.
        last: rate of the last batch.
        batches: number of batches.
    """

    priority = 'VERY_LOW'  # after the others have seen the batch

    def __init__(self, first: float, last: float, batches: int):
        self.rates = np.geomspace(first, last, batches)
        self.bar = Bar('batches', batches, parts=10, transient=True)
        self.losses: list[float] = []  # running means, one for each batch that was trained

    def before_train(self, runner: Runner) -> None:
        self.groups = runner.optim_wrapper.optimizer.param_groups
        highest = max(group['lr'] for group in self.groups)
        self.shares = [group['lr'] / highest for group in self.groups]  # of `lr_mult`
        self.mean = 0.0

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch=None) -> None:
        for group, share in zip(self.groups, self.shares):
            group['lr'] = self.rates[len(self.losses)] * share

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None):
        loss = outputs['loss'].item()
        self.mean = SMOOTHING * self.mean + (1 - SMOOTHING) * loss
        mean = self.mean / (1 - SMOOTHING ** (len(self.losses) + 1))  # the mean began at zero
        diverged = not mean < DIVERGED * min(self.losses, default=np.inf)  # NaN, too
        if not diverged:
            self.losses.append(mean)
            self.bar.reach(len(self.losses), state=f'loss {mean:.4f}')
        if diverged or len(self.losses) == len(self.rates):
            raise Finished


class Finished(Exception):
    """Ends the training; nothing of it is kept."""


def main(args: argparse.Namespace) -> None:
    if not 0 < args.first < args.last or args.batches < 10:
        raise ValueError('expected 0 < --first < --last, and 10 --batches or more')
    arguments.check_new(args.out, args.force)
    args.work_dir, args.launcher, args.local_rank = None, 'none', 0
    args.verbose, args.quiet = False, True
    cfg = arguments.load_run(args)
    cfg.randomness = dict(seed=args.seed, deterministic=True)
    cfg.param_scheduler = None
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.log_level = 'WARNING'
    cfg.train_cfg = dict(max_epochs=args.batches)  # an epoch has one batch at least
    # nothing is saved, resumed or rolled back (None: mmengine's own is left out, too)
    cfg.default_hooks = dict(checkpoint=None, logger=None)
    with TemporaryDirectory() as cfg.work_dir, redirect_stdout(sys.stderr), suppress(Finished):
        # mmengine shares loggers by name and second: none of this folder's for a later training
        cfg.experiment_name = os.path.basename(cfg.work_dir)
        runner = build_runner(cfg)
        hook = GrowingRate(args.first, args.last, args.batches)
        runner.register_hook(hook)
        with closing(hook.bar):
            runner.train()
    rate = steepest(hook.rates, hook.losses)
    with open_atomically(args.out) as file:
        draw(hook.rates, hook.losses, rate).savefig(file, format='png', dpi=150)
    done = f'{len(hook.losses)} of {args.batches} batches were trained'
    print(f'{args.out}: the loss falls steepest at lr={rate:.2g} ({done})')
    given = {**args.cfg_options, 'optim_wrapper.optimizer.lr': f'{rate:.2g}'}
    words = ' '.join(quote(f'{key}={value}') for key, value in given.items())
    print(f'try: mlgcn train {args.config} --cfg-options {words}')


def steepest(rates: np.ndarray, losses: list[float]) -> float:
    """The middle of the tenth of the rates over which the loss falls most, before its least value.

    Raises:
        ValueError: it never falls.
    """
    width = len(rates) // 10
    fallen = np.array(losses[: losses.index(min(losses)) + 1] if losses else [])
    if len(fallen) <= width:
        seen = f'the loss grows, or is not finite, from the first rate on ({rates[0]:.2g})'
        raise ValueError(f'{seen}; expected a lower --first')
    return float(rates[np.argmin(fallen[width:] - fallen[:-width]) + width // 2])


def draw(rates: np.ndarray, losses: list[float], chosen: float) -> Figure:
    """Loss over learning rate, the chosen one marked."""
    figure = Figure(figsize=(6, 3.5), layout='constrained')
    axes = figure.add_subplot(
        xscale='log', xlabel='learning rate', ylabel=f'loss (running mean, {SMOOTHING})'
    )
    axes.plot(rates[: len(losses)], losses)
    axes.axvline(chosen, linestyle='--', color='C1', label=f'steepest: {chosen:.2g}')
    axes.legend()
    return figure
