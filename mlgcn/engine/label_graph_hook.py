"""ML-GCN's graph follows the training labels."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner

from mlgcn.datasets.label_counts import label_counts
from mlgcn.registry import HOOKS


@HOOKS.register_module()
class LabelGraphHook(Hook):
    """Before training, gives `MLGCNHead` the graph of the training set's labels.

    Every process counts for itself, with the same result. A head whose config names a file of
    counts is left alone; the graph of a checkpoint that is loaded or resumed replaces this one.
    """

    priority = 'VERY_HIGH'  # before EMAHook copies the model

    def before_run(self, runner: Runner) -> None:
        """Count and set, where a training is about to start."""
        head = getattr(_unwrapped(runner.model), 'head', None)
        if not isinstance(runner._train_loop, BaseLoop) or not hasattr(head, 'set_graph'):
            return
        if head.graph_file is None:
            nums, adj = label_counts(runner.train_loop.dataloader.dataset)
            head.set_graph(nums, adj)
            runner.logger.info(
                f'{type(head).__name__}: graph of {len(nums)} training labels, {head.num_edges} '
                f'edges at P(j | i) >= {head.threshold:g}'
            )


def _unwrapped(model):
    return model.module if is_model_wrapper(model) else model
