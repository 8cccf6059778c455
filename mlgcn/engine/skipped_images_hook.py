"""What data sets lack: classes without images at the start, images left out at the end."""

import logging
from collections import Counter
from collections.abc import Iterator

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mlgcn.checkpoints.error import some
from mlgcn.registry import HOOKS

WARN = {'logger': 'current', 'level': logging.WARNING}


@HOOKS.register_module()
class SkippedImagesHook(Hook):
    """Lists, in the last lines of the log, every image that was left out, with what is wrong.

    Before training it names the classes of which the training or validation set has no image.

    Those that the data sets found at the start, and those that vanished or broke during the run:
    a DataSample that replaces such images names them in its `skipped`, so that workers and ranks
    need no channel of their own for it.
    """

    priority = 'VERY_LOW'
    resumed = ('skipped',)

    def __init__(self) -> None:
        self.skipped: dict[str, str] = {}

    def before_train(self, runner: Runner) -> None:
        """Name the classes of which the training or the validation set has no positive image."""
        for name, loop in (('train', runner._train_loop), ('val', runner._val_loop)):
            loader = getattr(loop, 'dataloader', None)
            counts = Counter()
            for photos in readers(loader.dataset) if loader else ():
                counts.update(getattr(photos, 'positives', {}))
            absent = [label for label, count in counts.items() if not count]
            if counts and len(absent) == len(counts):
                print_log(f'{name}: no image has a label: no score can be given', **WARN)
            elif absent:
                print_log(
                    f'{name}: no image of {len(absent)} of {len(counts)} classes: {some(absent)}',
                    **WARN,
                )

    def _after_iter(self, runner, batch_idx, data_batch=None, outputs=None, mode='train') -> None:
        """Note what the batch's images stand in for."""
        for sample in (data_batch or {}).get('data_samples', ()):
            self.skipped.update(sample.get('skipped', {}))

    def after_run(self, runner: Runner) -> None:
        """Gather the lists of all ranks, and log them once."""
        for loop in (runner._train_loop, runner._val_loop, runner._test_loop):
            if hasattr(loop, 'dataloader'):
                for photos in readers(loop.dataloader.dataset):
                    self.skipped.update(getattr(photos, 'left_out', {}))
        skipped = {k: v for part in all_gather_object(self.skipped) for k, v in part.items()}
        if skipped:
            lines = [f'{path} ({fault})' for path, fault in sorted(skipped.items())]
            head = f'{len(skipped)} images could not be read and were left out:'
            print_log('\n  '.join([head, *lines]), 'current', logging.WARNING)


def readers(dataset: Dataset) -> Iterator[Dataset]:
    """The data sets inside wrappers such as ClassBalancedDataset and ConcatDataset."""
    parts = [dataset.dataset] if hasattr(dataset, 'dataset') else getattr(dataset, 'datasets', ())
    if not parts:
        yield dataset
    for part in parts:
        yield from readers(part)
