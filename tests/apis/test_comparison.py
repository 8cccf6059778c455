"""What is compared: candidates, their trainings, and the names under which these are kept."""

import copy
import subprocess
import sys
import time
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


COMMAND = """
import multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor

def busy(folder):
    open(os.path.join(folder, str(os.getpid())), 'w').close()
    while True:
        time.sleep(0.01)

if __name__ == '__main__':
    from mlgcn.apis.comparison import start_worker
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['mlgcn.apis.comparison'])
    with ProcessPoolExecutor(2, context, start_worker, (None,)) as pool:
        list(pool.map(busy, sys.argv[1:] * 2))
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='as compare runs on Linux')
def test_workers_end_with_a_killed_command(tmp_path):
    script, pids = tmp_path / 'command.py', tmp_path / 'pids'
    script.write_text(COMMAND)
    pids.mkdir()
    process = subprocess.Popen([sys.executable, str(script), str(pids)], stderr=subprocess.DEVNULL)
    while len(list(pids.iterdir())) < 2:
        assert process.poll() is None
        time.sleep(0.1)
    process.kill()
    process.wait()
    workers = [int(path.name) for path in pids.iterdir()]
    for _ in range(3000):  # five minutes, on the busiest machine
        if not any(_runs(pid) for pid in workers):
            return
        time.sleep(0.1)
    pytest.fail(f'still running: {workers}')


def _runs(pid: int) -> bool:
    try:
        return ') Z ' not in Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return False
