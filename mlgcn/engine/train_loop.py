"""Epochs that can start in their middle."""

from functools import cached_property
from typing import Any

import torch
from mmengine import dist
from mmengine.config import Config
from mmengine.model import is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn

from mlgcn.registry import LOOPS

from . import randomness
from .config_check import ConfigError
from .hook_state import hook_states
from .resume_differences import data_digest


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """mmengine's `EpochBasedTrainLoop` that goes on where a checkpoint was taken.

    Upstream starts the epoch again, with other random numbers. Here the sampler leaves out the
    samples that were seen (nothing is decoded for it), augmentation depends on the sample's place
    in the epoch alone, and neither the start of data loading nor validation changes what the
    training draws. A validation that was cut short is repeated.

    Args:
        runner: the runner.
        dataloader: config of the training data, with a built data set and no batch sampler.
        kwargs: upstream's (`max_epochs`, `val_begin`, `val_interval`, `dynamic_intervals`).
    """

    def __init__(self, runner: Runner, dataloader: dict[str, Any], **kwargs):
        if 'batch_sampler' in dataloader:
            told = 'expected sampler and batch_size, or train_cfg.type=EpochBasedTrainLoop, which'
            raise ConfigError(f'train_dataloader.batch_sampler: {told} resumes whole epochs alone')
        seeded = dict(
            dataset=randomness.SeededDataset(dataloader['dataset']),
            sampler=dict(type=randomness.SeededSampler, sampler=dataloader['sampler']),
        )
        super().__init__(runner, {**dataloader, **seeded}, **kwargs)
        self.resumed: dict[str, Any] | None = None  # a checkpoint's :meth:`state`
        self.random_state: dict[str, Any] | None = None  # the training's, while validating

    def state(self, iteration: int, epoch: int, validated: bool) -> dict[str, Any]:
        """What a checkpoint needs beside upstream's parts to go on as if never stopped.

        All processes must call it; rank 0 gets the whole.

        Args:
            iteration: iterations done.
            epoch: complete epochs.
            validated: whether the validation of the last of them, if one was due, is over.
        """
        own = dict(random=self.random_state or randomness.random_state())
        if not self.runner.optim_wrapper.should_update():  # an accumulation of gradients is open
            own['gradients'] = {
                name: parameter.grad.cpu()
                for name, parameter in unwrapped(self.runner.model).named_parameters()
                if parameter.grad is not None
            }
        return dict(
            world_size=dist.get_world_size(),
            epoch_length=len(self.dataloader),
            position=iteration - epoch * len(self.dataloader),
            validated=validated,
            sampler_seed=self.dataloader.sampler.sampler.seed,
            stop_training=self.stop_training,
            hooks=hook_states(self.runner.hooks),
            data=self.data_digest if dist.is_main_process() else None,
            ranks=dist.gather_object(own),
        )

    @cached_property
    def data_digest(self) -> dict[str, Any]:
        """:func:`~mlgcn.engine.resume_differences.data_digest` of the training data."""
        return data_digest(self.dataloader.dataset.dataset)

    def _restore(self, own: dict[str, Any]) -> None:
        """Set this process's random numbers and gradients."""
        randomness.set_random_state(own['random'])
        gradients = own.get('gradients', {})
        for name, parameter in unwrapped(self.runner.model).named_parameters():
            if name in gradients:
                parameter.grad = gradients[name].to(parameter.device)
        if gradients:  # upstream has just warned that they are lost
            self.runner.logger.info('the gradients accumulated so far are restored')

    def run(self) -> nn.Module:
        """Train until `max_epochs`."""
        self.runner.call_hook('before_train')
        resumed, self.resumed = self.resumed or {}, None
        self.stop_training = resumed.get('stop_training', False)
        if resumed.get('ranks') is not None:
            self._restore(resumed['ranks'][dist.get_rank()])
        between_epochs = self._iter == self._epoch * len(self.dataloader)
        if resumed and self._epoch > 0 and between_epochs and not resumed['validated']:
            self.validate_if_due()
        if resumed and (self._epoch >= self._max_epochs or self.stop_training):
            state = f'epoch {self._epoch} of {self._max_epochs}' + ', stopped' * self.stop_training
            self.runner.logger.warning(f'nothing was left to train: the checkpoint is of {state}')
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self.validate_if_due()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """The iterations of the epoch that are not done yet."""
        done = self._iter - self._epoch * len(self.dataloader)
        self.dataloader.sampler.start = done * self.dataloader.batch_size
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        with randomness.unchanged_randomness():  # the loader draws a seed for its workers
            batches = iter(self.dataloader)
        for index, batch in enumerate(batches, done):
            self.run_iter(index, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def validate_if_due(self) -> None:
        """Validate when `val_interval` says so, and after the last epoch."""
        self._decide_current_val_interval()
        if self.runner.val_loop is None or self._epoch < self.val_begin:
            return
        if self._epoch % self.val_interval and self._epoch != self._max_epochs:
            return
        # checkpoints hold rank 0's BatchNorm statistics: the score must be of the same weights
        for buffer in unwrapped(self.runner.model).buffers():
            dist.broadcast(buffer)
        # kept where `state` finds it: a checkpoint taken meanwhile must hold this one
        self.random_state = randomness.random_state()
        self.runner.val_loop.run()
        randomness.set_random_state(self.random_state)
        self.random_state = None


def use_resumable_loop(cfg: Config) -> None:
    """Make it the loop of `cfg`, unless `cfg.train_cfg` names one or counts iterations."""
    if 'type' not in cfg.train_cfg and cfg.train_cfg.get('by_epoch', True):
        cfg.train_cfg.pop('by_epoch', None)
        cfg.train_cfg.type = 'mlgcn.ResumableTrainLoop'
    for name in ('train_dataloader', 'val_dataloader'):
        if cfg.get(name) is not None and cfg[name].get('num_workers'):
            cfg[name].setdefault('worker_init_fn', dict(type='leave_process_group'))


def unwrapped(model: nn.Module) -> nn.Module:
    """The model without DistributedDataParallel around it."""
    return model.module if is_model_wrapper(model) else model


def agreed(*flags: int) -> list[int]:
    """The greatest of all processes' values of each flag."""
    values = torch.tensor(flags, dtype=torch.int32)
    dist.all_reduce(values, 'max')  # does nothing in a run of one process
    return values.tolist()
