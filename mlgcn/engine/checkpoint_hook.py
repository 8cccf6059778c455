"""When and how a run saves itself."""

import inspect
import os
import time
from pathlib import Path
from signal import Signals
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size, is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from mlgcn.checkpoints.atomic_files import remove_leftovers, write_atomically
from mlgcn.registry import HOOKS

from .finite_hook import told
from .launch import may_speak
from .run_state import is_finite, run_state, unwrapped
from .stop_request import StopRequest, resume_command


@HOOKS.register_module()
class RunCheckpointHook(CheckpointHook):
    """mmengine's `CheckpointHook`, for runs that are killed at any moment.

    * Checkpoints hold the state of the run (:func:`mlgcn.engine.run_state.run_state`). Those taken
      within an epoch are called `mid_epoch_E.pth`, E complete epochs; the newest one is kept
      (with `by_epoch=False` all are iter_N.pth, as upstream's).
    * A new checkpoint is whole, and `last_checkpoint` names it, before an old one is removed.
    * Weights that are not finite are not saved.
    * SIGTERM or SIGINT, to any process: all finish the iteration, save, tell the command that goes
      on, and exit with 128 + the signal's number. Within a validation nothing is left to save
      where its epoch is saved; the validation is repeated by the resumed run.

    Args:
        every_iters: also save after so many iterations of an epoch; 0: don't.
        every_minutes: also save when so long nothing was saved; 0: don't.
        kwargs: upstream's (`interval`, `max_keep_ckpts`, `save_best`, `rule`, ...).

    Raises:
        TypeError: a key that is neither.
    """

    def __init__(self, every_iters: int = 0, every_minutes: float = 0, **kwargs):
        unknown = kwargs.keys() - inspect.signature(CheckpointHook).parameters
        if unknown:
            raise TypeError(f'{type(self).__name__} takes no {", ".join(sorted(unknown))}')
        super().__init__(**kwargs)
        self.every_iters = every_iters
        self.every_minutes = every_minutes
        self.request = StopRequest()
        self.validated = False
        self.saved_iter = -1
        self.saved_at = time.monotonic()
        self._state: dict[str, Any] | None = None
        self._outdated: str | None = None

    def before_train(self, runner: Runner) -> None:
        """Upstream's, within this run's folder; listen to signals."""
        super().before_train(runner)
        if self.save_best and getattr(self, 'best_ckpt_path', None):  # the folder may have moved
            self.best_ckpt_path = str(Path(self.out_dir, Path(self.best_ckpt_path).name))
        if is_main_process():
            for folder in {self.out_dir, runner.work_dir}:
                remove_leftovers(folder)
            if not runner._resume:  # it names a checkpoint of an earlier run
                Path(runner.work_dir, 'last_checkpoint').unlink(missing_ok=True)
        if runner._resume:
            self.saved_iter, self.last_ckpt = runner.iter, runner._load_from
        self.saved_at = time.monotonic()
        self.request.listen()

    def before_train_epoch(self, runner: Runner) -> None:
        """The weights are about to change."""
        self.validated = False

    def after_train_iter(self, runner: Runner, batch_idx: int, *args, **kwargs) -> None:
        """Save where it is due; stop where that was asked for."""
        super().after_train_iter(runner, batch_idx, *args, **kwargs)
        due = bool(self.every_iters) and (batch_idx + 1) % self.every_iters == 0
        if self.every_minutes and time.monotonic() - self.saved_at >= 60 * self.every_minutes:
            due = True
        signum, due = agreed(self.request.signum, due)
        if (signum or due) and self.saved_iter != runner.iter + 1 and not self.by_epoch:
            self._save_checkpoint(runner)
        elif (signum or due) and self.saved_iter != runner.iter + 1:
            meta = dict(epoch=runner.epoch, iter=runner.iter + 1)
            self.write(runner, f'mid_epoch_{runner.epoch}.pth', meta)
        if signum:
            self.leave(runner, signum)

    def after_val_iter(self, runner: Runner, batch_idx: int, *args, **kwargs) -> None:
        """Stop where that was asked for and the epoch is saved."""
        loader = runner.val_dataloader
        in_all = len(loader.dataset) // get_world_size() // (loader.batch_size or 1)
        # all processes have so many iterations, some perhaps one more
        if self.saved_iter == runner.iter and batch_idx < in_all:
            signum, _ = agreed(self.request.signum, 0)
            if signum:
                self.leave(runner, signum)

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Save the best."""
        self.validated = True
        super().after_val_epoch(runner, metrics)

    def after_train(self, runner: Runner) -> None:
        """The run is complete: nothing starts within an epoch any more."""
        super().after_train(runner)
        self.request.ignore()
        if is_main_process():
            remove_mid_epochs(self.out_dir)

    def write(self, runner: Runner, name: str, meta: dict[str, int]) -> bool:
        """Save everything under `name` and let `last_checkpoint` name it; whether that was done."""
        bad = not is_finite(list(unwrapped(runner.model).parameters()))
        if agreed(bad)[0]:
            runner.logger.error(f'{name} is not written: weights are not finite')
            return False
        self._state = run_state(runner, meta['iter'], meta['epoch'], self.validated)
        self._meta = dict(meta)
        self.last_ckpt = os.path.join(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
        )
        self._state = None
        self.saved_iter, self.saved_at = meta['iter'], time.monotonic()
        if is_main_process():
            write_atomically(Path(runner.work_dir, 'last_checkpoint'), self.last_ckpt.encode())
            remove_mid_epochs(self.out_dir, but=name)
        return True

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Add the state of the run, where :meth:`write` saves."""
        if self._state is not None:
            checkpoint['run_state'] = self._state
            checkpoint['meta'].update(self._meta)  # FlexibleRunner writes its own

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, int]) -> None:
        self._remove_outdated()
        # FlexibleRunner changed it when it saved the best
        meta = dict(epoch=meta['epoch'], iter=runner.iter if self.by_epoch else step)
        hub = runner.message_hub
        kept = [i for i in hub.get_info('keep_ckpt_ids', []) if i != step] + [step]
        if self.max_keep_ckpts > 0:
            hub.update_info('keep_ckpt_ids', kept)
        if not self.write(runner, self.filename_tmpl.format(step), meta):
            hub.update_info('keep_ckpt_ids', kept[:-1])
            return
        if self.max_keep_ckpts > 0:
            hub.update_info('keep_ckpt_ids', kept[-self.max_keep_ckpts :])
            for old in kept[: -self.max_keep_ckpts] if is_main_process() else ():
                Path(self.out_dir, self.filename_tmpl.format(old)).unlink(missing_ok=True)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        if not self.save_best or len(self.key_indicators) > 1:
            super()._save_best_checkpoint(runner, metrics)
            return
        # upstream would remove the previous one before the new one is there
        self._outdated, self.best_ckpt_path = self.best_ckpt_path, None
        super()._save_best_checkpoint(runner, metrics)
        self.best_ckpt_path = self.best_ckpt_path or self._outdated
        self._remove_outdated()

    def _remove_outdated(self) -> None:
        """The previous best checkpoint, once there is a better one."""
        old, self._outdated = self._outdated, None
        if old and self.best_ckpt_path not in (None, old) and is_main_process():
            Path(old).unlink(missing_ok=True)

    def leave(self, runner: Runner, signum: int) -> None:
        """End this process, as all others do."""
        name = Signals(signum).name
        runner.logger.info(
            f'{told(runner)}\n{name}: stopped; the last checkpoint is {self.last_ckpt}. '
            f'Go on with:\n  {resume_command()}'
        )
        may_speak(f'stopped by {name}', consequence=False)
        raise SystemExit(128 + signum)


def agreed(*flags: int) -> list[int]:
    """The greatest of all processes' values of each flag."""
    if get_world_size() == 1:
        return list(flags)
    values = torch.tensor(flags, dtype=torch.int32)
    all_reduce(values, 'max')
    return values.tolist()


def remove_mid_epochs(folder: str, but: str | None = None) -> None:
    """Delete the checkpoints taken within epochs, but one."""
    for path in Path(folder).glob('mid_epoch_*.pth'):
        if path.name != but:
            path.unlink(missing_ok=True)
