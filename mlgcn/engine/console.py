"""What a person sees of a training: a summary, a bar, a row for each validation, what to do next.

mmengine's own log (environment, config, hooks, every 50th iteration) is in the file that the
summary names; the console shows its warnings and errors alone.
"""

import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mlgcn.checkpoints.error import printable, some

SHOWN = ('mAP', 'CF1', 'OF1')
EVERY = 30  # seconds between two lines where the output is no terminal, or a tenth of the training


class ConsoleHandler(logging.Handler):
    """Writes records to stderr as it is at that moment: above rich's bar, while one is shown."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f'{record.levelname.lower()}: {record.getMessage()}', file=sys.stderr)


def quiet_logger(init: Any) -> Any:
    """mmengine's `MMLogger.__init__`, whose console handler shows warnings and errors alone."""

    def __init__(self: MMLogger, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        upstream = self.handlers[0]
        self.handlers[0] = ConsoleHandler(max(upstream.level, logging.WARNING))
        self.handlers[0].filters = upstream.filters  # rank 0 alone, repeated warnings once

    return __init__


class ConsoleHook(Hook):
    """Shows the progress of a training on stderr; lines instead of a bar where it is no terminal.

    Args:
        command: the words of the config on the command line, for the commands to run next.
    """

    priority = 'VERY_LOW'  # after the others have seen the batch, the scores and the checkpoint

    def __init__(self, command: str):
        self.command = command
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.best = -1.0
        self.progress: Progress | None = None

    def before_train(self, runner: Runner) -> None:
        if not is_main_process():
            return
        for line in summary(runner):
            self.console.print(printable(line), markup=False)
        self.started = self.printed = time.monotonic()
        self.first = runner.iter  # of a resumed run
        self.loss = float('nan')
        if self.console.is_terminal:
            self.progress = Progress(
                TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(),
                TextColumn('{task.fields[state]}'), TimeRemainingColumn(),
                console=self.console, transient=True,
            )  # fmt: skip
            self.progress.start()
            self.task = self.progress.add_task(
                'training', total=runner.max_iters, completed=runner.iter, state=''
            )

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        if not is_main_process():
            return
        done = runner.iter + 1
        self.loss = outputs['loss'].item()
        state = self._state(runner, done)
        if self.progress:
            epoch = f'epoch {runner.epoch + 1}/{runner.max_epochs}' if runner.max_epochs else ''
            self.progress.update(self.task, description=epoch, completed=done, state=state)
            return
        now, tenth = time.monotonic(), max(runner.max_iters // 10, 1)
        if now - self.printed > EVERY or done % tenth == 0:
            self.printed = now
            left = (now - self.started) / (done - self.first) * (runner.max_iters - done)
            share = f'{done}/{runner.max_iters} ({done / runner.max_iters:.0%})'
            self.console.print(f'iteration {share}  {state}  {left:.0f} s left')

    def _state(self, runner: Runner, done: int) -> str:
        rate = max(runner.optim_wrapper.get_lr()['lr'])
        batch = runner.train_dataloader.batch_size * runner.world_size
        speed = batch * (done - self.first) / (time.monotonic() - self.started)
        return f'loss {self.loss:.4f}  lr {rate:.3g}  {speed:.1f} images/s'

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """One aligned row; a star marks the best mAP so far."""
        if not is_main_process() or not metrics:
            return
        names = [name for name in SHOWN if name in metrics] or list(metrics)[:3]
        star = ' *' if metrics.get('mAP', -1) > self.best else ''
        self.best = max(self.best, metrics.get('mAP', -1))
        values = '  '.join(f'{name} {metrics[name]:6.2f}' for name in names)
        self.console.print(f'epoch {runner.epoch:3}  loss {self.loss:.4f}  {values}{star}')

    def after_train(self, runner: Runner) -> None:
        if not is_main_process():
            return
        if self.progress:
            self.progress.stop()
        for line in next_steps(Path(runner.work_dir), self.command):
            print(printable(line))


def summary(runner: Runner) -> list[str]:
    """What is trained, on what, with what."""
    cfg, model = runner.cfg, getattr(runner.model, 'module', runner.model)
    sizes = [p.numel() for p in model.parameters()]
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    loader, classes = runner.train_dataloader, runner.train_dataloader.dataset.metainfo['classes']
    device = next(model.parameters()).device
    head, backbone = type(model.head).__name__, cfg.model.backbone
    body = backbone.get('model_name') or f'{backbone.type} {backbone.get("depth") or ""}'.strip()
    lines = [
        f'{head} on {body}: {sum(sizes) / 1e6:.2f} M parameters, {trained / 1e6:.2f} M trained; '
        f'{device}, {runner.world_size} process{"es" * (runner.world_size > 1)}, '
        f'seed {runner.seed}',
        f'train: {len(loader.dataset):,} images, {len(classes)} classes ({some(classes)})',
    ]
    if runner.val_loop is not None:
        lines.append(f'val: {len(runner.val_dataloader.dataset):,} images')
    length = f'{runner.max_epochs} epochs' if runner.max_epochs else f'{runner.max_iters} iterations'
    lines.append(f'{length}, batches of {loader.batch_size} images; log: {runner.logger.log_file}')
    if runner.iter:
        lines.append(f'resumed after iteration {runner.iter}')
    return lines


def next_steps(work_dir: Path, command: str) -> Sequence[str]:
    """Commands for the best checkpoint, else the last one."""
    best = sorted(work_dir.glob('best_*.pth'), key=lambda path: path.stat().st_mtime)
    last = work_dir / 'last_checkpoint'
    newest = Path(last.read_text().strip()) if last.is_file() else None
    checkpoint = best[-1] if best else newest
    if checkpoint is None:
        return [f'no checkpoint was saved in {work_dir}']
    return [
        f'{checkpoint}: the {"best" if best else "last"} checkpoint. Next:',
        f'  mlgcn test {command} {checkpoint} --metrics all',
        f'  mlgcn calibrate {command} {checkpoint}',
        f'  mlgcn predict {checkpoint} PHOTOS',
    ]
