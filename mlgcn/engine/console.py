"""What a person sees of a training: a summary, a bar, a row for each validation, what to do next.

mmengine's own log (environment, config, hooks, every 50th iteration) is in the file that the
summary names; the console shows its warnings and errors alone.
"""

import functools
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from shlex import quote
from types import MappingProxyType
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner, find_latest_checkpoint

from mlgcn.messages import printable, some
from mlgcn.progress import Bar

SHOWN = ('mAP', 'CF1', 'OF1')
TRAINING_ONLY = ('train_cfg', 'train_dataloader', 'optim_wrapper', 'default_hooks')
PACKAGE = str(Path(__file__).parents[1])
# in upstream's warnings: of its own use of old parts; of every parameter of a frozen backbone
NOT_SHOWN = ('deprecated', 'is skipped since its requires_grad=False')
# of records that the console shows; NOTSET: all; None: all on stdout, as mmengine does
level: int | None = None
# texts of warnings that were shown and are not shown again; None: each is shown
once: set[str] | None = None


def show(verbose: bool = False, quiet: bool = False) -> None:
    """What the console shows of the log: all, or what mlgcn says itself, or warnings alone."""
    global level, once
    once = None
    level = logging.NOTSET if verbose else logging.WARNING if quiet else logging.INFO
    for logger in MMLogger._instance_dict.values():  # of earlier runs of a notebook
        _speak_by_level(logger)


class ConsoleHandler(logging.Handler):
    """mlgcn's own records and everybody's warnings, on what `sys.stderr` is at that moment.

    While a bar is shown, rich puts itself there and keeps the bar below the lines.
    """

    def emit(self, record: logging.LogRecord) -> None:
        text, ours = record.getMessage(), said_by(record).startswith(PACKAGE)
        if record.levelno >= logging.WARNING:
            if text in (once or ()):
                return
            if once is not None:
                once.add(text)
            if ours or not any(word in text for word in NOT_SHOWN):
                print(f'{record.levelname.lower()}: {text}', file=sys.stderr)
        elif ours and level != logging.WARNING and not hasattr(record, 'file_only'):
            print(text, file=sys.stderr)


def said_by(record: logging.LogRecord) -> str:
    """The file that logged; where it did by mmengine's `print_log`, that function's caller."""
    if record.funcName != 'print_log':
        return record.pathname
    frame = sys._getframe()
    while frame.f_code.co_name != 'print_log':
        frame = frame.f_back
    return frame.f_back.f_code.co_filename


def quiet_logger(init: Callable) -> Callable:
    """mmengine's `MMLogger.__init__` with another handler for the console, as :func:`show` says."""

    @functools.wraps(init)
    def __init__(self: MMLogger, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        _speak_by_level(self)

    return __init__


def _speak_by_level(logger: MMLogger) -> None:
    upstream = logger.handlers[0]  # rank 0's shows what the log file gets, others' errors
    if level is None or isinstance(upstream, ConsoleHandler):
        return
    if level == logging.NOTSET:
        upstream.setStream(sys.stderr)  # stdout is for results
    else:
        logger.handlers[0] = ConsoleHandler(upstream.level)
        logger.handlers[0].filters = upstream.filters  # a repeated warning once


class ConsoleHook(Hook):
    """Shows on stderr how far a training or a test is; without a terminal, lines instead of a bar.

    `mlgcn.progress.bars_end` removes the bar when all is over.
    """

    priority = 'VERY_LOW'  # after CheckpointHook, registered before, has compared the scores

    def __init__(self):
        self.loss = float('nan')

    def before_train(self, runner: Runner) -> None:
        for line in summary(runner):
            print(printable(line), file=sys.stderr)
        self.bar = Bar('batch', runner.max_iters, runner.iter, parts=10, transient=True)

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        done = runner.iter + 1
        self.loss = outputs['loss'].item()
        rate = max(runner.optim_wrapper.get_lr()['lr'])
        batch = runner.train_dataloader.batch_size * runner.world_size
        speed = batch * (done - self.bar.first) / (time.monotonic() - self.bar.started)
        state = f'loss {self.loss:.4f}  lr {rate:.3g}  {speed:.1f} images/s'
        self.bar.reach(done, state=state, description=f'epoch {runner.epoch + 1}, batch')

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self.metrics = metrics or {}

    def after_val(self, runner: Runner) -> None:
        """One aligned row; a star marks the best score so far, whose checkpoint was just saved."""
        metrics = self.metrics
        names = [name for name in SHOWN if name in metrics] or list(metrics)[:3]
        best = runner.message_hub.runtime_info.get('best_score')
        star = ' *' if best in metrics.values() else ''
        values = '  '.join(f'{name} {metrics[name]:6.2f}' for name in names)
        row = f'epoch {runner.epoch:3}  loss {self.loss:8.4f}  {values}{star}'
        print(row, file=sys.stderr)

    def before_test_epoch(self, runner: Runner) -> None:
        images = len(runner.test_dataloader.dataset)
        self.bar = Bar('scored images', images, parts=10, transient=True)

    def after_test_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        batch = runner.test_dataloader.batch_size * runner.world_size
        self.bar.reach(min((batch_idx + 1) * batch, self.bar.total))


def summary(runner: Runner) -> list[str]:
    """What is trained, on what, with what."""
    cfg, model = runner.cfg, getattr(runner.model, 'module', runner.model)
    sizes = [p.numel() for p in model.parameters()]
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    loader, classes = runner.train_dataloader, runner.train_dataloader.dataset.metainfo['classes']
    device = next(model.parameters()).device
    head, backbone = type(model.head).__name__, cfg.model.backbone
    kind = backbone.type.removeprefix('mlgcn.')
    body = backbone.get('model_name') or f'{kind} {backbone.get("depth") or ""}'.strip()
    lines = [
        f'{head} on {body}: {sum(sizes) / 1e6:.2f} M parameters, {trained / 1e6:.2f} M trained; '
        f'{device}, {runner.world_size} process{"es" * (runner.world_size > 1)}, '
        f'seed {runner.seed}',
        f'train: {len(loader.dataset):,} images, {len(classes)} classes ({some(classes)})',
    ]
    if runner.val_loop is not None:
        lines.append(f'val: {len(runner.val_dataloader.dataset):,} images')
    epochs = runner.max_epochs
    length = f'{epochs} epoch{"s" * (epochs > 1)}' if epochs else f'{runner.max_iters} iterations'
    lines.append(f'{length}, batches of {loader.batch_size} images; log: {runner.logger.log_file}')
    if runner.iter:
        lines.append(f'resumed epoch: {runner.epoch}, iter: {runner.iter}')
    return lines


def best_checkpoint(runner: Runner) -> Path | None:
    """The best checkpoint of this run by validation, else its last one; None: there is none."""
    best = (getattr(hook, 'best_ckpt_path', None) for hook in runner.hooks)
    # not by the names in the folder: an earlier run may have left its best one there
    path = next(filter(None, best), None) or find_latest_checkpoint(runner.work_dir)
    return Path(path) if path else None


def next_steps(
    checkpoint: Path, config: str, options: Mapping[str, Any] = MappingProxyType({})
) -> str:
    """Commands for a checkpoint, with `config` and `--cfg-options` of the training."""
    name = printable(os.path.relpath(checkpoint))
    of_run = f'{quote(str(config))} {quote(name)}'
    kept = {key: v for key, v in options.items() if key.split('.')[0] not in TRAINING_ONLY}
    data = ''.join(f' {quote(f"{key}={value}")}' for key, value in kept.items())
    data = data and f' --cfg-options{data}'
    return (
        f'{"best" if checkpoint.name.startswith("best") else "last"} checkpoint: {name}. Next:\n'
        f'  mlgcn test {of_run} --metrics all{data}\n'
        f'  mlgcn calibrate {of_run}{data}\n'
        f'  mlgcn predict {quote(name)} PHOTOS'
    )
