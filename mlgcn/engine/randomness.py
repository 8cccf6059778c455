"""Random numbers that a resumed run draws again: one stream per sample, generators' states."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.dist import get_dist_info
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import Dataset, Sampler


class Sample(NamedTuple):
    """What a `SeededSampler` asks of a `SeededDataset`: an index, and (seed, epoch, place)."""

    index: int
    stream: tuple[int, int, int]


class SeededSampler(Sampler):
    """An upstream sampler, with a random stream beside each index.

    The place of a sample is its number in the epoch over all processes, so that augmentation is
    the same for any number of processes and workers, and for a run that starts within an epoch.

    Args:
        dataset: what is sampled.
        seed: seed of the order, the same in all processes. None: drawn, and agreed upon.
        sampler: config of the sampler, e.g. `DefaultSampler` or `RepeatAugSampler`.

    Raises:
        TypeError: the sampler has no `seed` or no `set_epoch`.
    """

    def __init__(self, dataset: Dataset, seed: int | None, sampler: dict):
        given = dict(dataset=dataset, seed=seed)
        self.sampler = DATA_SAMPLERS.build(dict(sampler), default_args=given)
        if not (hasattr(self.sampler, 'seed') and hasattr(self.sampler, 'set_epoch')):
            seen = f'{type(self.sampler).__name__} has no seed or no set_epoch'
            raise TypeError(f'train_dataloader.sampler: {seen}; expected e.g. DefaultSampler')
        self.set_epoch = self.sampler.set_epoch
        self.start = 0  # samples of this process to leave out at the beginning of the epoch

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[Sample]:
        rank, world_size = get_dist_info()
        for i, index in islice(enumerate(self.sampler), self.start, None):
            place = i * world_size + rank  # upstream's samplers deal indices out in turns
            yield Sample(index, (self.sampler.seed, self.sampler.epoch, place))


class SeededDataset(Dataset):
    """A data set whose items are drawn (Python, numpy, torch on the CPU) from their own stream."""

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, sample: Sample) -> Any:
        return self.__getitems__([sample])[0]

    def __getitems__(self, samples: Sequence[Sample]) -> list[Any]:
        """The items of a batch, as torch's loaders ask for them: states are kept once for all."""
        items = []
        with unchanged_randomness(cuda=False):
            for sample in samples:
                # hashed, so that neighbouring places and epochs have streams that share nothing
                words = np.random.SeedSequence(sample.stream).generate_state(3)
                random.seed(int(words[0]))
                np.random.seed(words[1])
                torch.default_generator.manual_seed(int(words[2]))
                items.append(self.dataset[sample.index])
        return items

    def __getattr__(self, name: str) -> Any:
        # `dataset` is not there yet while this is unpickled: asking for it would never end
        if name == 'dataset' or name.startswith('__'):
            raise AttributeError(name)
        return getattr(self.dataset, name)


def random_state(cuda: bool = True) -> dict[str, Any]:
    """States of Python's, numpy's, torch's and (of this process's GPU) CUDA's generators.

    Plain values and tensors alone, so that a checkpoint may hold them.
    """
    # int64, because torch before 2.3 has no uint32
    _, keys, *rest = np.random.get_state()
    state = dict(
        python=random.getstate(),
        numpy=(torch.from_numpy(keys.astype(np.int64)), *rest),
        torch=torch.get_rng_state(),
    )
    if cuda and torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Set the generators to what :func:`random_state` returned."""
    random.setstate(state['python'])
    keys, *rest = state['numpy']
    np.random.set_state(('MT19937', keys.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())


@contextmanager
def unchanged_randomness(cuda: bool = True) -> Iterator[None]:
    """Whatever is drawn inside does not change what is drawn afterwards."""
    state = random_state(cuda)
    try:
        yield
    finally:
        set_random_state(state)
