"""Group KNN in C: the neighbours of the float64 search, ties, odd shapes, threads, no compiler."""

import os

import pytest
import torch
from paths import DATA
from torch.nn.functional import normalize

from mlgcn.engine.config import read_config
from mlgcn.ops import compiled as compiled_module
from mlgcn.ops import knn_cpu
from mlgcn.ops.compiled import compiled
from mlgcn.ops.knn import group_knn, group_knn_plain
from mlgcn.ops.relative_pos import SeparableTable, relative_position

needs_compiler = pytest.mark.skipif(compiled('knn_cpu') is None, reason='no C compiler here')


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@needs_compiler
@pytest.mark.parametrize(
    ('nodes', 'keys', 'channels', 'groups', 'k', 'dilation'),
    [
        (1, 1, 1, 1, 1, 1),
        (97, 64, 8, 2, 9, 1),
        (100, 65, 12, 3, 5, 3),
        (7, 3000, 40, 2, 9, 2),  # few nodes, many keys: as labels look for patches
        (200, 49, 16, 1, 49, 1),  # every key
        (13, 500, 6, 2, 32, 2),  # as many as it can do
        (3, 200_000, 2, 1, 4, 1),  # more keys than the cache holds
    ],
)
def test_it_finds_the_neighbours_of_the_float64_search(nodes, keys, channels, groups, k, dilation):
    x, y = random(2, channels, nodes), random(2, channels, keys, seed=1)
    assert knn_cpu.runs_in_c(x, y, k * dilation)
    found = group_knn(x, y, k, dilation, groups)
    assert found.dtype == torch.int32
    assert torch.equal(found, group_knn_plain(x.double(), y.double(), k, dilation, groups))


@needs_compiler
@pytest.mark.parametrize('separable', [True, False])
def test_relative_positions(separable):
    x = random(2, 8, 10, 12)
    y = torch.nn.functional.avg_pool2d(x, 2)
    table = relative_position(8, (10, 12), 2)
    assert isinstance(table, SeparableTable)
    used = table if separable else table[:]
    expected = group_knn_plain(x.double(), y.double(), 5, 2, 2, table)
    assert torch.equal(group_knn(x, y, 5, 2, 2, used), expected)


@needs_compiler
def test_near_ties_are_ranked_in_float64():
    angle = 1e-3 * random(40).double()  # squared distances below 1e-5, mostly below 1e-6
    keys = torch.stack([angle.cos(), angle.sin()])[None].float()
    nodes = keys[..., :30].contiguous()
    exact = group_knn_plain(nodes.double(), keys.double(), 9)
    assert torch.equal(group_knn(nodes, keys, 9), exact)
    wrong = (group_knn_plain(nodes, keys, 9) != exact).any(-1).float().mean()
    assert wrong > 0.5  # float32 alone can't tell them apart


@needs_compiler
def test_of_exact_ties_the_lower_index_comes_first():
    nodes, keys = torch.ones(1, 4, 3), torch.ones(1, 4, 100)
    assert group_knn(nodes, keys, 5, 2).tolist() == [[[[0, 2, 4, 6, 8]] * 3]]


@needs_compiler
def test_features_without_numbers_give_keys_that_exist():
    nodes, keys = random(1, 4, 10), random(1, 4, 70, seed=1)
    nodes[0, 0, 3] = keys[0, 1, 5] = float('nan')
    nodes[0, 2, 4] = float('inf')
    found = group_knn(nodes, keys, 9)
    assert ((found >= 0) & (found < 70)).all()
    clean = [0, 1, 2, 5, 6, 7, 8, 9]
    assert group_knn(torch.zeros(1, 4, 10), torch.zeros(1, 4, 70), 9).max() < 70
    assert found[0, 0, clean].shape == (8, 9)


@needs_compiler
def test_the_number_of_threads_changes_nothing():
    x, y = random(2, 16, 500), random(2, 16, 300, seed=1)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = group_knn(x, y, 9, 2, 2)
        torch.set_num_threads(3)
        assert torch.equal(group_knn(x, y, 9, 2, 2), one)
    finally:
        torch.set_num_threads(before)


def test_what_it_does_not_do_goes_to_pytorch():
    x, y = random(1, 4, 10), random(1, 4, 200)
    assert not knn_cpu.runs_in_c(x.double(), y.double(), 9)
    assert not knn_cpu.runs_in_c(x, y, 65)
    expected = group_knn_plain(x.double(), y.double(), 65)
    assert torch.equal(group_knn(x, y, 65).sort(-1).values, expected.sort(-1).values)


def test_without_a_compiler_pytorch_finds_the_same(monkeypatch, tmp_path):
    x, y = random(2, 8, 50), random(2, 8, 40, seed=1)
    expected = group_knn(x, y, 5, 2, 2)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setenv('CC', 'no-such-compiler')
    told = []
    monkeypatch.setattr(compiled_module, 'print_log', lambda text, **_: told.append(text))
    try:
        compiled.cache_clear()
        assert not knn_cpu.runs_in_c(x, y, 10)
        assert torch.equal(group_knn(x, y, 5, 2, 2), expected)
        assert len(told) == 1
        assert 'no-such-compiler' in told[0]
        compiled.cache_clear()
        monkeypatch.setenv('MLGCN_COMPILE', '0')
        assert not knn_cpu.runs_in_c(x, y, 10)
        assert len(told) == 1
    finally:
        compiled.cache_clear()


@needs_compiler
def test_the_library_is_compiled_once_and_kept_in_a_private_folder(monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    try:
        compiled.cache_clear()
        assert compiled('knn_cpu') is not None
        (library,) = (tmp_path / 'mlgcn').iterdir()
        assert (tmp_path / 'mlgcn').stat().st_mode & 0o777 == 0o700
        written = library.stat().st_mtime_ns
        compiled.cache_clear()
        assert compiled('knn_cpu') is not None
        assert library.stat().st_mtime_ns == written
    finally:
        compiled.cache_clear()


@needs_compiler
def test_a_folder_that_others_can_write_to_is_not_trusted(monkeypatch, tmp_path):
    folder = tmp_path / 'mlgcn'
    folder.mkdir()
    folder.chmod(0o777)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    try:
        compiled.cache_clear()
        assert compiled('knn_cpu') is not None
        assert not list(folder.iterdir())
    finally:
        compiled.cache_clear()


def test_normalisation_of_zero_features_agrees():
    x = random(1, 4, 30)
    x[:, :, 3] = 0
    y = random(1, 4, 70, seed=1)
    y[:, :, 7] = 0
    assert normalize(x, dim=1)[0, :, 3].eq(0).all()
    found, expected = group_knn(x, y, 6), group_knn_plain(x.double(), y.double(), 6)
    rows = [i for i in range(30) if i != 3]  # a zero node is equally far from all unit keys
    assert torch.equal(found[:, :, rows], expected[:, :, rows])


def test_the_config_key_turns_compiled_ops_off(monkeypatch):
    monkeypatch.setenv('MLGCN_COMPILE', '1')
    config = DATA.parent.parent / 'configs/gkgnet/gkgnet_scenes.py'
    read_config(config, {})
    assert os.environ['MLGCN_COMPILE'] == '1'
    read_config(config, {'compiled_ops': False})
    try:
        compiled.cache_clear()
        assert not knn_cpu.runs_in_c(random(1, 4, 10), random(1, 4, 70), 9)
    finally:
        compiled.cache_clear()
