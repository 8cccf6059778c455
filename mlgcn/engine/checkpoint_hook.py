"""When and how a run saves itself."""

import inspect
import os
import time
from pathlib import Path
from signal import Signals
from typing import Any

from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from mlgcn.atomic_files import remove_leftovers, write_atomically
from mlgcn.messages import nearest
from mlgcn.registry import HOOKS

from .config_check import ConfigError
from .finite_hook import event_summary
from .launch import record_failure
from .stop_request import StopRequest, resume_command
from .train_loop import ResumableTrainLoop, agreed, unwrapped


@HOOKS.register_module()
class RunCheckpointHook(CheckpointHook):
    """mmengine's `CheckpointHook`, for runs that are killed at any moment.

    * Checkpoints hold the state of the run (:meth:`ResumableTrainLoop.state`). Those taken within
      an epoch are called `mid_epoch_E.pth`, E complete epochs; the newest one is kept (with
      `by_epoch=False` all are iter_N.pth, as upstream's).
    * A new checkpoint is whole, and `last_checkpoint` names it, before an old one is removed.
    * Weights that are not finite are not saved.
    * SIGTERM or SIGINT, to any process: all finish the iteration, save, print the command that
      resumes the run, and exit with 128 + the signal's number. Within a validation nothing is left
      to save where its epoch is saved; the resumed run repeats the validation.

    Args:
        every_iters: also save after so many iterations of an epoch; 0: don't.
        every_minutes: also save when so long nothing was saved; 0: don't.
        kwargs: upstream's (`interval`, `max_keep_ckpts`, `save_best`, `rule`, ...).

    Raises:
        ConfigError: a key that is neither.
    """

    def __init__(self, every_iters: int = 0, every_minutes: float = 0, **kwargs):
        known = inspect.signature(CheckpointHook).parameters
        for key in kwargs.keys() - known:
            hint = nearest(key, {*known, 'every_iters', 'every_minutes'})
            raise ConfigError(f'{type(self).__name__} takes no {key!r}{hint}')
        super().__init__(**kwargs)
        self.every_iters, self.every_minutes = every_iters, every_minutes
        self.request = StopRequest()
        self.validated = False
        self.saved_iter, self.saved_at = -1, time.monotonic()
        self._written: dict[str, Any] | None = None  # what `write` adds to the checkpoint
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
        if runner._resume:  # a signal before the first save finds this one saved
            self.saved_iter, self.last_ckpt = runner.iter, runner._load_from
        self.saved_at = time.monotonic()
        self.request.listen()

    def before_train_epoch(self, runner: Runner) -> None:
        """The weights are about to change."""
        self.validated = False

    def after_train_iter(self, runner: Runner, batch_idx: int, *args, **kwargs) -> None:
        """Save where it is due; stop where that was asked for."""
        super().after_train_iter(runner, batch_idx, *args, **kwargs)
        due = self.every_iters and (batch_idx + 1) % self.every_iters == 0
        late = self.every_minutes and time.monotonic() - self.saved_at >= 60 * self.every_minutes
        signum, due = agreed(self.request.signum, bool(due or late))
        if (signum or due) and self.saved_iter != runner.iter + 1:
            if self.by_epoch:
                meta = dict(epoch=runner.epoch, iter=runner.iter + 1)
                self.write(runner, f'mid_epoch_{runner.epoch}.pth', meta)
            else:
                self._save_checkpoint(runner)
        if signum:
            self.leave(runner, signum)

    def after_val_iter(self, runner: Runner, batch_idx: int, *args, **kwargs) -> None:
        """Stop where that was asked for and the epoch is saved."""
        loader = runner.val_dataloader
        # all processes have so many iterations, some perhaps one more
        common = len(loader.dataset) // get_world_size() // (loader.batch_size or 1)
        if self.saved_iter == runner.iter and batch_idx < common:
            (signum,) = agreed(self.request.signum)
            if signum:
                self.leave(runner, signum)

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Wait for the other hooks: early stopping comes after this one."""
        self.metrics = metrics

    def after_val(self, runner: Runner) -> None:
        """Save the best, with the state of all hooks after this validation."""
        self.validated = True
        super().after_val_epoch(runner, self.metrics)

    def after_train(self, runner: Runner) -> None:
        """The run is complete: nothing starts within an epoch any more."""
        super().after_train(runner)
        self.request.ignore()
        if is_main_process():
            remove_mid_epochs(self.out_dir)

    def write(self, runner: Runner, name: str, meta: dict[str, int]) -> bool:
        """Save everything under `name` and let `last_checkpoint` name it; whether that was done."""
        # FSDP's shards differ from process to process, so one rank alone may see the NaN
        finite = all(p.isfinite().all() for p in unwrapped(runner.model).parameters())
        if agreed(not finite)[0]:
            runner.logger.error(f'{name} is not written: weights are not finite')
            return False
        self._written = dict(meta=dict(meta))
        if isinstance(runner.train_loop, ResumableTrainLoop):
            state = runner.train_loop.state(meta['iter'], meta['epoch'], self.validated)
            self._written['run_state'] = state
        self.last_ckpt = os.path.join(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
        )
        self._written = None
        self.saved_iter, self.saved_at = meta['iter'], time.monotonic()
        if is_main_process():
            write_atomically(Path(runner.work_dir, 'last_checkpoint'), self.last_ckpt.encode())
            remove_mid_epochs(self.out_dir, but=name)
        return True

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Add the state of the run, where :meth:`write` saves."""
        if self._written is not None:
            checkpoint['meta'].update(self._written['meta'])  # FlexibleRunner writes its own
            checkpoint['run_state'] = self._written.get('run_state')

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, int]) -> None:
        self._remove_outdated()
        # FlexibleRunner changed it when it saved the best
        meta = dict(epoch=meta['epoch'], iter=runner.iter if self.by_epoch else step)
        name, keep = self.filename_tmpl.format, self.max_keep_ckpts
        if keep <= 0:
            self.write(runner, name(step), meta)
            return
        hub = runner.message_hub
        kept = [i for i in hub.get_info('keep_ckpt_ids', []) if i != step]
        hub.update_info('keep_ckpt_ids', [*kept, step])  # so says the checkpoint to be written
        kept += [step] * self.write(runner, name(step), meta)
        hub.update_info('keep_ckpt_ids', kept[-keep:])
        for old in kept[:-keep] if is_main_process() else ():
            Path(self.out_dir, name(old)).unlink(missing_ok=True)

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
        text = f'{name}: stopped; the last checkpoint is {self.last_ckpt}. Go on with:'
        runner.logger.info(f'{event_summary(runner)}\n{text}\n  {resume_command()}')
        record_failure(f'stopped by {name}')
        raise SystemExit(128 + signum)


def remove_mid_epochs(folder: str, but: str | None = None) -> None:
    """Delete the checkpoints taken within epochs, but one."""
    for path in Path(folder).glob('mid_epoch_*.pth'):
        if path.name != but:
            path.unlink(missing_ok=True)
