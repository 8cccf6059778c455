"""What is compared: candidates, their trainings, and the names under which these are kept."""

import copy
from pathlib import Path

import numpy as np
import pytest

from apis.frozen_heads import write_frozen_heads
from mlgcn.apis.comparison import Comparison, groups_of
from mlgcn.engine.config import ConfigError, build_dataset

GIVEN = {'own.train': 'a.csv', 'own.val': 'b.csv'}


@pytest.fixture(scope='module')
def comparison(tmp_path_factory):
    folder = tmp_path_factory.mktemp('comparison')
    paths, data = write_frozen_heads(folder)
    found = Comparison(data, folder / 'out', list(map(str, paths)), [32], seeds=2, folds=3)
    found.store_features()
    found.groups = np.arange(24) // 2  # such pictures look so alike that all would be one group
    return found


@pytest.mark.parametrize('given, counts, word', [
    ({'own.train': 'a.csv'}, {}, 'own.val'),
    (GIVEN, dict(folds=1), '--folds is 1'),
    (GIVEN, dict(seeds=0), '--seeds is 0'),
])  # fmt: skip
def test_what_is_refused(tmp_path, given, counts, word):
    with pytest.raises(ConfigError, match=word):
        Comparison(given, tmp_path, ['linear'], **counts)


def test_folds_hold_each_photograph_once_and_seeds_divide_anew(comparison):
    linear = comparison.candidates[0]
    held = []
    for seed in comparison.seeds:
        runs = comparison.folds(linear, seed)
        held.append([run.held_out for run in runs])
        assert sorted(i for run in runs for i in run.held_out) == list(range(24))
        for run in runs:
            assert sorted(run.train + run.held_out) == list(range(24))
            groups = [set(comparison.groups[list(part)]) for part in (run.train, run.held_out)]
            assert not groups[0] & groups[1]
    assert held[0] != held[1]


def test_a_file_is_named_by_all_that_its_training_depends_on(comparison):
    linear, csra = comparison.candidates
    runs = [*comparison.folds(linear, 0), *comparison.folds(csra, 0), *comparison.folds(linear, 1)]
    runs += [comparison.final(linear, 0), comparison.part(linear, 0, 0.5)]
    assert len({run.out for run in runs}) == len(runs)
    assert comparison.final(linear, 0).out == comparison.final(linear, 0).out
    before = comparison.final(linear, 0).out
    comparison.cfgs[linear].optim_wrapper.optimizer.lr *= 2
    assert comparison.final(linear, 0).out != before


@pytest.mark.parametrize('splits, old, new', [
    (['train'], '|box', ''), (['val'], '|box', ''), (['train', 'val'], 'disc', 'disk'),
])  # fmt: skip
def test_other_labels_or_class_names_make_other_trainings(comparison, splits, old, new):
    linear, again = comparison.candidates[0], copy.copy(comparison)
    files = [Path(linear.cfg().own[split]) for split in splits]
    texts = [file.read_text() for file in files]
    for file, text in zip(files, texts):
        assert old in text
        file.write_text(text.replace(old, new))
    again.store_features()
    assert again.final(linear, 0).out != comparison.final(linear, 0).out
    for file, text in zip(files, texts):
        file.write_text(text)
    again.store_features()
    assert again.final(linear, 0).out == comparison.final(linear, 0).out


def test_occasions(comparison):
    cfg = comparison.cfgs[comparison.candidates[0]]
    dataset, store = build_dataset(cfg, 'train_dataloader'), comparison.stores['32']
    assert groups_of(dataset, 'folder', store).tolist() == [0] * 24
    similar = groups_of(dataset, None, store)
    assert len(similar) == 24 and np.unique(similar).tolist() == list(range(similar.max() + 1))
