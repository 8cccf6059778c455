"""A sample's randomness depends on the seed, the epoch and its place; states of generators."""

import io
import pickle
import random

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset

from mlgcn.engine import randomness
from mlgcn.engine.randomness import (
    SeededDataset,
    SeededSampler,
    random_state,
    set_random_state,
    unchanged_randomness,
)


class Draws(Dataset):
    """Every item is its index and a number from each generator."""

    metainfo = dict(classes=('a',))

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return index, random.random(), np.random.rand(), torch.rand(()).item()


def epoch(loader, epoch, start=0):
    loader.sampler.set_epoch(epoch)
    loader.sampler.start = start
    return [[tuple(map(float, item)) for item in batch] for batch in loader]


def loader(workers=0, seed=3, **kwargs):
    sampler = SeededSampler(Draws(), seed, dict(type='DefaultSampler', shuffle=True))
    return DataLoader(
        SeededDataset(Draws()),
        batch_size=2,
        sampler=sampler,
        num_workers=workers,
        collate_fn=list,
        persistent_workers=workers > 0,
        **kwargs,
    )


def test_the_same_whatever_was_drawn_before():
    first = epoch(loader(), 1)
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    again = loader()
    epoch(again, 0)
    assert epoch(again, 1) == first
    assert epoch(again, 2) != first
    assert epoch(loader(seed=4), 1) != first


def test_an_epoch_from_its_middle():
    whole = epoch(loader(), 1)
    middle = loader()
    assert epoch(middle, 1, start=4) == whole[2:]
    assert epoch(middle, 1, start=0) == whole
    assert len(middle) == 5


def test_no_two_samples_draw_the_same():
    items = [item for batch in epoch(loader(), 0) for item in batch]
    for column in range(4):
        assert len({item[column] for item in items}) == 10


def test_the_generators_stay_as_they_were():
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = random.random(), np.random.rand(), torch.rand(()).item()
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    item = SeededDataset(Draws())[randomness.Sample(0, (0, 0, 0))]
    assert (random.random(), np.random.rand(), torch.rand(()).item()) == expected
    assert item[1:] != expected


def test_items_of_a_batch_are_those_of_single_requests():
    samples = [randomness.Sample(i % 10, (3, 1, i)) for i in range(13)]
    dataset = SeededDataset(Draws())
    assert dataset.__getitems__(samples) == [dataset[sample] for sample in samples]


def test_places_are_numbered_over_all_processes(monkeypatch):
    def samples(rank, size):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: (rank, size))
        monkeypatch.setattr(randomness, 'get_dist_info', lambda: (rank, size))
        return list(SeededSampler(Draws(), 3, dict(type='DefaultSampler', shuffle=True)))

    two = zip(samples(0, 2), samples(1, 2))
    assert [sample for pair in two for sample in pair] == samples(0, 1)


def test_repeated_augmentation_differs():
    sampler = SeededSampler(Draws(), 3, dict(type='mmpretrain.RepeatAugSampler'))
    samples = list(sampler)
    assert len({s.index for s in samples}) < len({s.stream for s in samples}) == len(samples)


def test_a_sampler_without_epochs_is_refused():
    class Plain(BatchSampler):
        def __init__(self, dataset, seed):
            pass

    with pytest.raises(TypeError, match='Plain has no seed .* expected e.g. DefaultSampler'):
        SeededSampler(Draws(), 3, dict(type=Plain))


def test_the_data_set_shows_through():
    dataset = pickle.loads(pickle.dumps(SeededDataset(Draws())))  # noqa: S301 (our own)
    assert dataset.metainfo == dict(classes=('a',)) and len(dataset) == 10
    with pytest.raises(AttributeError):
        dataset.absent  # noqa: B018


def draw():
    normal = np.random.randn()  # numpy keeps the second of two, torch too
    return random.random(), random.gauss(0, 1), normal, torch.randn(()).item()


def test_saved_and_restored():
    draw()
    file = io.BytesIO()
    torch.save(random_state(), file)
    expected = [draw() for _ in range(3)]
    file.seek(0)
    set_random_state(torch.load(file, weights_only=True))
    assert [draw() for _ in range(3)] == expected


def test_unchanged_also_by_a_failure():
    state = random_state()
    expected = draw()
    set_random_state(state)
    try:
        with unchanged_randomness():
            draw()
            raise KeyError
    except KeyError:
        pass
    assert draw() == expected


@pytest.mark.slow
def test_workers_draw_the_same():
    with_workers = loader(workers=2)
    for number in (0, 1):
        assert epoch(with_workers, number) == epoch(loader(), number)
    assert epoch(with_workers, 1, start=4) == epoch(loader(), 1)[2:]
