"""What a run learns from its data: ML-GCN's graph, classes and images that are missing."""

import logging
from collections import Counter
from functools import partial

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import BaseLoop, Runner

from mlgcn.datasets import readers
from mlgcn.datasets.label_counts import label_counts
from mlgcn.messages import some
from mlgcn.registry import HOOKS

from .train_loop import unwrapped

warn = partial(print_log, logger='current', level=logging.WARNING)


@HOOKS.register_module()
class LabelGraphHook(Hook):
    """Before training, gives `MLGCNHead` the graph of the training set's labels.

    Every process counts for itself, with the same result. A head whose config names a file of
    counts is left alone; the graph of a checkpoint that is loaded or resumed replaces this one.
    """

    priority = 'VERY_HIGH'  # before EMAHook copies the model

    def before_run(self, runner: Runner) -> None:
        """Count and set, where a training is about to start."""
        head = getattr(unwrapped(runner.model), 'head', None)
        if not isinstance(runner._train_loop, BaseLoop) or not hasattr(head, 'set_graph'):
            return
        if head.graph_file is None:
            nums, adj = label_counts(runner.train_loop.dataloader.dataset)
            head.set_graph(nums, adj)
            edges = f'{head.num_edges} edges at P(j | i) >= {head.threshold:g}'
            runner.logger.info(f'{type(head).__name__}: {len(nums)} training labels, {edges}')


@HOOKS.register_module()
class SkippedImagesHook(Hook):
    """Names classes without images at the start, and images that were left out at the end.

    Those images were unreadable at the start, or vanished during the run: a DataSample that stands
    in for others names them in its `skipped`, so that workers and ranks need no channel for it.
    """

    priority = 'VERY_LOW'
    resumed = ('skipped',)

    def __init__(self) -> None:
        self.skipped: dict[str, str] = {}

    def before_train(self, runner: Runner) -> None:
        """Name the classes of which the training or the validation set has no positive image."""
        for name, loop in (('train', runner._train_loop), ('val', runner._val_loop)):
            counts = Counter()
            for reader in readers(loop):
                counts.update(getattr(reader, 'positives', {}))
            absent = [label for label, count in counts.items() if not count]
            if absent and len(absent) == len(counts):
                warn(f'{name}: no image has a label: no score can be given')
            elif absent:
                warn(f'{name}: no image of {len(absent)} of {len(counts)} classes: {some(absent)}')

    def _after_iter(self, runner, batch_idx, data_batch=None, outputs=None, mode='train') -> None:
        """Note what the batch's images stand in for."""
        for sample in (data_batch or {}).get('data_samples', ()):
            self.skipped.update(sample.get('skipped', {}))

    def after_run(self, runner: Runner) -> None:
        """Gather the lists of all ranks, and log them once."""
        for loop in (runner._train_loop, runner._val_loop, runner._test_loop):
            for reader in readers(loop):
                self.skipped.update(getattr(reader, 'left_out', {}))
        skipped = {k: v for part in all_gather_object(self.skipped) for k, v in part.items()}
        if skipped:
            lines = [f'{path} ({fault})' for path, fault in sorted(skipped.items())]
            head = f'{len(skipped)} images could not be read and were left out:'
            warn('\n  '.join([head, *lines]))
