"""A run meets its data and its checkpoints: graph, classes, missing images, weights, metadata."""

import logging
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

from mmengine.dist import all_gather_object
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import BaseLoop, Runner

from mlgcn.checkpoints import make_metadata
from mlgcn.checkpoints.checkpoint import as_checkpoint
from mlgcn.checkpoints.metadata import KEY
from mlgcn.checkpoints.transfer import transfer
from mlgcn.datasets import readers
from mlgcn.datasets.own_photos import label_counts
from mlgcn.messages import some
from mlgcn.models.mirror_average import with_first_step
from mlgcn.registry import HOOKS

from .train_loop import unwrapped


@HOOKS.register_module()
class WeightsHook(Hook):
    """Compares a checkpoint with the model and its classes before any of it is used.

    `--resume` needs the same classes in the same order, and every entry of the model. `load_from`
    moves rows of classes by their names (:func:`mlgcn.checkpoints.transfer.transfer`), but for
    sharded runs (FSDP), which need the same classes, too.

    Args:
        classes: the training data's.
    """

    priority = 'VERY_HIGH'  # before EMAHook copies the weights

    def __init__(self, classes: tuple[str, ...]):
        self.classes = classes

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Check, or replace, `checkpoint['state_dict']`.

        Raises:
            CheckpointError: other classes, another model, or nothing that fits.
        """
        loaded = as_checkpoint(str(runner._load_from), dict(checkpoint))
        sharded = hasattr(runner, 'strategy')
        if runner._resume or sharded:
            loaded.check_classes(self.classes)
        if sharded:
            return  # its weights have other shapes here; upstream compares the names
        if runner._resume:
            loaded.check_fits(unwrapped(runner.model))
        else:
            model = unwrapped(runner.model)
            loaded = replace(loaded, weights=with_first_step(model, loaded.weights))
            checkpoint['state_dict'] = transfer(loaded, model, self.classes)


@HOOKS.register_module()
class MetadataHook(Hook):
    """Writes metadata (:func:`mlgcn.checkpoints.make_metadata`) into checkpoints.

    The metrics are those of the very weights saved: they are in the best checkpoint, and left out
    of checkpoints that are saved before they are scored.

    Args:
        licence: terms of use of the weights, in one sentence.
    """

    priority = 'LOW'  # after EMAHook has put its weights in, before CheckpointHook saves the best

    def __init__(
        self,
        licence: str = "No licence stated; the data set's and the initial weights' terms apply.",
    ):
        self.licence = licence
        self.scores: dict[str, Any] = {}

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Remember the scores and the iteration that they belong to."""
        evaluator = runner.val_loop.evaluator if runner.val_loop else None
        used = evaluator.metrics if isinstance(evaluator, Evaluator) else []
        self.scores = {
            'iter': runner.iter,
            'protocol': next((m.protocol for m in used if hasattr(m, 'protocol')), None),
            'images': len(runner.val_dataloader.dataset),
            'values': {name: float(value) for name, value in (metrics or {}).items()},
        }

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the metadata."""
        meta = checkpoint['meta']
        meta[KEY] = make_metadata(
            checkpoint['state_dict'],
            meta.get('dataset_meta', {}).get('classes'),
            self.licence,
            runner.cfg,
            epoch=meta.get('epoch'),
            metrics=self.scores if self.scores.get('iter', -1) == meta.get('iter') else None,
        )


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
