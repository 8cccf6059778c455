"""What a training takes from a checkpoint: `load_from` by names, `--resume` whole or not at all."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mlgcn.checkpoints.checkpoint import as_checkpoint
from mlgcn.checkpoints.transfer import transfer
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
            checkpoint['state_dict'] = transfer(loaded, unwrapped(runner.model), self.classes)
