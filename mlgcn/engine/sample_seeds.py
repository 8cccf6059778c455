"""Randomness of a sample that depends on the seed, the epoch and the sample's place in it alone."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.dist import get_dist_info
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import Dataset, Sampler

from .run_state import unchanged_randomness


class Sample(NamedTuple):
    """What a `SeededSampler` asks of a `SeededDataset`: an index, and (seed, epoch, place)."""

    index: int
    stream: tuple[int, int, int]


class SeededSampler(Sampler):
    """Upstream's sampler, with a random stream beside each index.

    The place of a sample is its number in the epoch over all processes, so that augmentation is
    the same for any number of processes and workers, and for a run that starts within an epoch.

    Args:
        dataset: what is sampled.
        seed: seed of the order, the same in all processes. None: drawn, and agreed upon.
        sampler: config of upstream's sampler; its class must have a seed and epochs, as
            `DefaultSampler` and `RepeatAugSampler` have.

    Raises:
        TypeError: its class has none.
    """

    def __init__(self, dataset: Dataset, seed: int | None, sampler: dict):
        self.sampler = DATA_SAMPLERS.build(
            dict(sampler), default_args=dict(dataset=dataset, seed=seed)
        )
        if not hasattr(self.sampler, 'seed') or not hasattr(self.sampler, 'set_epoch'):
            raise TypeError(
                f'train_dataloader.sampler: {type(self.sampler).__name__} has no seed or no '
                'set_epoch, so that its order cannot be repeated; expected e.g. DefaultSampler'
            )
        self.start = 0  # samples of this process to leave out at the beginning of the epoch

    @property
    def seed(self) -> int:
        """Seed of the order and of the samples."""
        return self.sampler.seed

    @seed.setter
    def seed(self, value: int) -> None:
        self.sampler.seed = value

    def set_epoch(self, epoch: int) -> None:
        """Choose the order and the random streams of epoch `epoch`, counted from 0."""
        self.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        """Samples of this process in a whole epoch, whatever `start` is."""
        return len(self.sampler)

    def __iter__(self) -> Iterator[Sample]:
        rank, world_size = get_dist_info()
        for i, index in islice(enumerate(self.sampler), self.start, None):
            place = i * world_size + rank
            yield Sample(index, (self.seed, self.sampler.epoch, place))


class SeededDataset(Dataset):
    """A data set whose items are drawn under the stream of their :class:`Sample`.

    Everything else is the data set's own.

    Args:
        dataset: gives an item for an index; may draw from `random`, `numpy` and `torch` (CPU).
    """

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, sample: Sample) -> Any:
        with seeded(sample.stream):
            return self.dataset[sample.index]

    def __getattr__(self, name: str) -> Any:
        if name == 'dataset' or name.startswith('__'):  # not there yet while it is unpickled
            raise AttributeError(name)
        return getattr(self.dataset, name)


@contextmanager
def seeded(stream: tuple[int, ...]) -> Iterator[None]:
    """Python's, numpy's and torch's CPU generators start at `stream`, and are as before after."""
    words = np.random.SeedSequence(stream).generate_state(3)
    with unchanged_randomness(cuda=False):
        random.seed(int(words[0]))
        np.random.seed(words[1])
        torch.default_generator.manual_seed(int(words[2]))
        yield
