"""Epochs that can start in their middle."""

from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import broadcast, get_world_size
from mmengine.runner import EpochBasedTrainLoop, Runner

from mlgcn.registry import LOOPS

from .config_check import ConfigError
from .run_state import (
    random_state,
    set_random_state,
    set_run_state,
    unchanged_randomness,
    unwrapped,
)
from .sample_seeds import SeededDataset, SeededSampler


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """mmengine's `EpochBasedTrainLoop` that goes on where a checkpoint was taken.

    Upstream starts the epoch again, with other random numbers. Here the sampler leaves the samples
    that were seen out (nothing is decoded for it), augmentation depends on the sample's place in
    the epoch alone (:class:`SeededSampler`), and neither the start of data loading nor validation
    changes what the training draws. A validation that was cut short is repeated. Before
    validation all processes take the first one's buffers (BatchNorm's statistics), which are those
    in checkpoints, so that the score is the checkpoint's.

    Args:
        runner: the runner.
        dataloader: config of the training data, with a built data set.
        kwargs: upstream's (`max_epochs`, `val_begin`, `val_interval`, `dynamic_intervals`).
    """

    def __init__(self, runner: Runner, dataloader: dict[str, Any], **kwargs):
        super().__init__(runner, seeded_loader(dataloader), **kwargs)
        self.resumed: dict[str, Any] | None = None  # :func:`run_state`'s, set by ResumeHook
        self.random_state: dict[str, Any] | None = None  # while validating

    @property
    def position(self) -> int:
        """Iterations done in the current epoch."""
        return self._iter - self._epoch * len(self.dataloader)

    def run(self) -> torch.nn.Module:
        """Train until `max_epochs`."""
        self.runner.call_hook('before_train')
        if self.resumed is not None:
            set_run_state(self.runner, self.resumed)
            if self._epoch > 0 and self.position == 0 and not self.resumed['validated']:
                self.validate_if_due()
            self.resumed = None
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self.validate_if_due()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """The iterations of the epoch that are not done yet."""
        done = self.position
        self.dataloader.sampler.start = done * self.dataloader.batch_size
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        with unchanged_randomness():  # the loader draws a seed for its workers
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
        if get_world_size() > 1:
            for buffer in unwrapped(self.runner.model).buffers():
                broadcast(buffer)
        self.random_state = random_state()  # what a checkpoint taken meanwhile must hold
        self.runner.val_loop.run()
        set_random_state(self.random_state)
        self.random_state = None


def seeded_loader(dataloader: dict[str, Any]) -> dict[str, Any]:
    """The config of a loader, with its data set and sampler wrapped.

    Raises:
        ConfigError: it has a batch sampler.
    """
    if 'batch_sampler' in dataloader:
        raise ConfigError(
            'train_dataloader.batch_sampler: mlgcn cannot resume in the middle of its epochs; '
            "expected a sampler and a batch_size, or train_cfg.type='EpochBasedTrainLoop'"
        )
    return {
        **dataloader,
        'dataset': SeededDataset(dataloader['dataset']),
        'sampler': dict(type=SeededSampler, sampler=dataloader['sampler']),
    }


def use_resumable_loop(cfg: Config) -> None:
    """Make it the loop of `cfg`, unless `cfg.train_cfg` names one or counts iterations."""
    if 'type' not in cfg.train_cfg and cfg.train_cfg.get('by_epoch', True):
        cfg.train_cfg.pop('by_epoch', None)
        cfg.train_cfg.type = 'mlgcn.ResumableTrainLoop'
    for name in ('train_dataloader', 'val_dataloader'):
        if cfg.get(name) is not None and cfg[name].get('num_workers'):
            cfg[name].setdefault('worker_init_fn', dict(type='leave_process_group'))
