"""Every checkpoint of a run carries its metadata."""

from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mlgcn.checkpoints import make_metadata
from mlgcn.checkpoints.metadata import KEY
from mlgcn.registry import HOOKS


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
        self.scores: dict = {}

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Remember the scores and the iteration that they belong to."""
        evaluator = runner.val_loop.evaluator if runner.val_loop else None
        used = evaluator.metrics if isinstance(evaluator, Evaluator) else []
        protocols = [metric.protocol for metric in used if hasattr(metric, 'protocol')]
        self.scores = {
            'iter': runner.iter,
            'protocol': protocols[0] if protocols else None,
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
