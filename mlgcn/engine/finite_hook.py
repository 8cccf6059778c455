"""What happens when a loss or a gradient is infinite or NaN."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine import dist
from mmengine.hooks import EMAHook, Hook
from mmengine.runner import Runner
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.optim import Optimizer

from mlgcn.registry import HOOKS

from .resume import latest_checkpoint, load_whole
from .train_loop import agreed, unwrapped

POLICIES = ('skip', 'rollback', 'stop')


class NonFiniteError(ValueError):
    """Losses or gradients are not finite, and the policy says stop."""


@HOOKS.register_module()
class FiniteHook(Hook):
    """Keeps losses and gradients that are not finite out of the weights, and names the images.

    Such an update is left out in all processes: weights, moments of the optimizer and statistics
    of BatchNorm stay as they were; the schedule goes on. Under fp16 the loss scaler's own skips
    (finite loss, overflown scaled gradient) are normal and no events. The check costs one norm of
    the gradients and one wait for the GPU per update.

    Args:
        policy: 'skip' leaves updates out, and stops after `in_row` of them in a row. 'rollback'
            takes weights, optimizer, moving average and loss scale from the last checkpoint
            instead, and goes on with the next batch; it stops where `max_rollbacks` did not help.
            'stop' stops at the first.
        in_row: updates left out in a row before that happens.
        max_rollbacks: how often a run is rolled back.

    Raises:
        ValueError: an unknown policy.
        NonFiniteError: (while training) as the policy says; names the images of the last batch.
    """

    priority = 'VERY_HIGH'  # before the moving average, the schedule, the log and checkpoints

    def __init__(self, policy: str = 'rollback', in_row: int = 10, max_rollbacks: int = 3):
        if policy not in POLICIES:
            raise ValueError(f'policy={policy!r}: expected one of {", ".join(POLICIES)}')
        self.policy = policy
        self.in_row = 1 if policy == 'stop' else in_row
        self.max_rollbacks = max_rollbacks
        self._start_update()

    def _start_update(self) -> None:
        self.files: list[str] = []
        self.finite = torch.tensor(True)  # the losses of this update
        self.dropped: bool | None = None  # None: the optimizer's step was not reached

    def before_train(self, runner: Runner) -> None:
        """Watch the model's losses and the optimizer's steps."""
        model, optimizer = unwrapped(runner.model), runner.optim_wrapper.optimizer
        layers = [module for module in model.modules() if isinstance(module, _NormBase)]
        self.statistics = [value for layer in layers for value in layer.buffers(recurse=False)]
        self.saved = [value.clone() for value in self.statistics]
        self.handles = [
            model.register_forward_hook(self._see_losses),
            optimizer.register_step_pre_hook(self._check_gradients),
        ]

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Remember the images, and BatchNorm's statistics where an accumulation starts."""
        if not self.files and self.saved:
            torch._foreach_copy_(self.saved, self.statistics)
        samples = data_batch['data_samples'] if isinstance(data_batch, dict) else ()
        self.files += [str(getattr(sample, 'img_path', '?')) for sample in samples]

    def _see_losses(self, model: nn.Module, args: Any, losses: Any) -> None:
        if model.training and isinstance(losses, dict):
            for value in (value for name, value in losses.items() if 'loss' in name):
                for part in value if isinstance(value, Sequence) else (value,):
                    self.finite = self.finite & part.detach().isfinite().all()

    def _check_gradients(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Before a step: without gradients it does nothing."""
        if getattr(optimizer, 'found_inf', None) is not None and optimizer.found_inf.item():
            return  # fused optimizers step themselves over the loss scaler's overflow
        parameters = [p for group in optimizer.param_groups for p in group['params']]
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        self.dropped = agreed(not (norm.isfinite() & self.finite.to(norm.device)))[0]
        if self.dropped:
            optimizer.zero_grad(set_to_none=True)

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Count what was left out, and follow the policy."""
        if not runner.optim_wrapper.should_update():
            return
        finite, files = bool(self.finite), self.files
        dropped = agreed(not finite)[0] if self.dropped is None else self.dropped
        self._start_update()
        counts = event_counts(runner)
        if dropped:
            if self.saved:
                torch._foreach_copy_(self.statistics, self.saved)
            counts = {**counts, 'skipped': counts['skipped'] + 1, 'in_row': counts['in_row'] + 1}
            runner.message_hub.update_info('not_finite', counts)
            text = describe(runner, finite, files)
            runner.logger.error(f'{text}. This update is left out ({counts["in_row"]} in a row)')
            if counts['in_row'] >= self.in_row:
                self._roll_back_or_stop(runner, counts, text)
        elif counts['in_row']:
            runner.message_hub.update_info('not_finite', {**counts, 'in_row': 0})

    def _roll_back_or_stop(self, runner: Runner, counts: dict[str, int], text: str) -> None:
        found = [latest_checkpoint(runner.work_dir) if dist.is_main_process() else None]
        dist.broadcast_object_list(found)
        if self.policy != 'rollback':
            why = f' (FiniteHook, policy={self.policy!r})'
        elif hasattr(runner, 'strategy'):
            why = ', and a sharded run cannot be rolled back while it runs, but resumed'
        elif counts['rollbacks'] >= self.max_rollbacks:
            why = f', and {counts["rollbacks"]} rollbacks did not help'
        else:
            why = None if found[0] else ', and there is no checkpoint'
        if why:
            runner.logger.info(event_summary(runner))
            advice = 'lower the learning rate, or look at these images'
            raise NonFiniteError(f'{text}. Stopped: {self.in_row} in a row{why}; {advice}')
        restore(runner, load_whole(found[0]).content)
        counts = {**counts, 'in_row': 0, 'rollbacks': counts['rollbacks'] + 1}
        runner.message_hub.update_info('not_finite', counts)
        runner.logger.error(f'rolled back to the weights of {found[0]}; the schedule goes on')

    def after_train(self, runner: Runner) -> None:
        """The log's last lines count the events; the console says so if there were any."""
        for handle in self.handles:
            handle.remove()
        none = not event_counts(runner)['skipped']
        runner.logger.info(event_summary(runner), extra=dict(file_only=True) if none else None)


def event_counts(runner: Runner) -> dict[str, int]:
    """Updates left out, in all and in a row, and rollbacks of the whole run."""
    return runner.message_hub.get_info('not_finite') or dict(skipped=0, in_row=0, rollbacks=0)


def event_summary(runner: Runner) -> str:
    """The counts, in a line."""
    counts = event_counts(runner)
    events = f'{counts["skipped"]} updates left out, {counts["rollbacks"]} rollbacks'
    return f'Losses or gradients that were not finite: {events}'


def describe(runner: Runner, finite: bool, files: list[str]) -> str:
    """In a sentence: when, what and which images; those of the processes with a bad loss."""
    parts = dist.all_gather_object((finite, files))
    bad = [files for finite, files in parts if not finite]
    names = ', '.join(name for files in bad or [files for _, files in parts] for name in files)
    what = 'loss' if bad else 'gradient'
    return f'epoch {runner.epoch + 1}, iteration {runner.iter + 1}: {what} not finite for {names}'


def restore(runner: Runner, checkpoint: dict[str, Any]) -> None:
    """Weights, moving average, optimizer and loss scale of `checkpoint`; not its learning rates."""
    # EMAHook swaps the averaged weights in a checkpoint back only where `_resume` is set
    resuming, runner._resume = runner._resume, True
    for hook in runner.hooks:
        if isinstance(hook, EMAHook):
            hook.after_load_checkpoint(runner, checkpoint)
    runner._resume = resuming
    unwrapped(runner.model).load_state_dict(checkpoint['state_dict'])
    optimizer = runner.optim_wrapper.optimizer
    rates = [{k: v for k, v in g.items() if k != 'params'} for g in optimizer.param_groups]
    checkpoint['optimizer'].pop('base_param_settings', None)
    runner.optim_wrapper.load_state_dict(checkpoint['optimizer'])
    for group, now in zip(optimizer.param_groups, rates):
        group.update(now)
