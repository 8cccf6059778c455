"""A run's model meets checkpoints: what is taken from one, and what is written beside weights."""

from dataclasses import replace
from typing import Any

from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mlgcn.checkpoints import make_metadata
from mlgcn.checkpoints.checkpoint import as_checkpoint
from mlgcn.checkpoints.metadata import KEY
from mlgcn.checkpoints.transfer import transfer
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
