"""The C kernels: the neighbours of the float64 search, every instruction set, wheel, no kernels."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path
from threading import get_ident
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from instruction_sets import SETS, needs_kernels, random, use
from torch.nn.functional import normalize

from mlgcn.engine.config import read_config
from mlgcn.ops import c_kernels
from mlgcn.ops.c_kernels import (
    aggregates_in_c,
    library,
    openmp,
    order_of_halves,
    searches_in_c,
    sorted_floats,
)
from mlgcn.ops.graph import max_relative, max_relative_plain
from mlgcn.ops.knn import group_knn, group_knn_plain
from mlgcn.ops.relative_pos import SeparableTable, relative_position

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=SETS)
def instructions(request, monkeypatch):
    use(request.param, monkeypatch, 'group_knn', 'neighbour_max', 'neighbour_max_backward')


@needs_kernels
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
def test_it_finds_the_neighbours_of_the_float64_search(
    instructions, nodes, keys, channels, groups, k, dilation
):
    x, y = random(2, channels, nodes), random(2, channels, keys, seed=1)
    assert searches_in_c(x, y, k * dilation)
    found = group_knn(x, y, k, dilation, groups)
    assert found.dtype == torch.int32
    assert torch.equal(found, group_knn_plain(x.double(), y.double(), k, dilation, groups))


@needs_kernels
@pytest.mark.parametrize('separable', [True, False])
def test_relative_positions(instructions, separable):
    x = random(2, 8, 10, 12)
    y = torch.nn.functional.avg_pool2d(x, 2)
    table = relative_position(8, (10, 12), 2)
    assert isinstance(table, SeparableTable)
    used = table if separable else table[:]
    expected = group_knn_plain(x.double(), y.double(), 5, 2, 2, table)
    assert torch.equal(group_knn(x, y, 5, 2, 2, used), expected)


@needs_kernels
@pytest.mark.parametrize('k', [1, 9])
def test_aggregation_and_its_gradients(instructions, k):
    whole = torch.Generator().manual_seed(0)  # sums of whole numbers are exact in any order
    x, y = (torch.randint(-8, 9, (2, 42, n), generator=whole).float() for n in (35, 20))
    y[1, 3, 7] = float('nan')
    index = torch.randint(20, (2, 3, 35, k), generator=whole, dtype=torch.int32)
    results = []
    for function in (max_relative, max_relative_plain):
        inputs = x.clone().requires_grad_(), y.clone().requires_grad_()
        out = function(*inputs, index)
        results.append((out, *torch.autograd.grad(out, inputs, x)))
    for ours, plain in zip(*results):
        torch.testing.assert_close(ours, plain, rtol=0, atol=0, equal_nan=True)
    with torch.no_grad():
        torch.testing.assert_close(max_relative(x, y, index), results[1][0], equal_nan=True)


@needs_kernels
def test_near_ties_are_ranked_in_float64(instructions):
    angle = 1e-3 * random(40).double()  # squared distances below 1e-5, mostly below 1e-6
    keys = torch.stack([angle.cos(), angle.sin()])[None].float()
    nodes = keys[..., :30].contiguous()
    exact = group_knn_plain(nodes.double(), keys.double(), 9)
    assert torch.equal(group_knn(nodes, keys, 9), exact)
    wrong = (group_knn_plain(nodes, keys, 9) != exact).any(-1).float().mean()
    assert wrong > 0.5  # float32 alone can't tell them apart


@needs_kernels
def test_of_exact_ties_the_lower_index_comes_first(instructions):
    nodes, keys = torch.ones(1, 4, 3), torch.ones(1, 4, 100)
    assert group_knn(nodes, keys, 5, 2).tolist() == [[[[0, 2, 4, 6, 8]] * 3]]


@needs_kernels
@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_features_and_tables_without_numbers_give_keys_that_exist(instructions, value):
    nodes, keys = random(1, 4, 10), random(1, 4, 70, seed=1)
    expected, clean = group_knn(nodes, keys, 9), [0, 1, 2, 5, 6, 7, 8, 9]
    nodes[0, 0, 3] = nodes[0, 2, 4] = value
    assert torch.equal(group_knn(nodes, keys, 9)[:, :, clean], expected[:, :, clean])
    keys[0, 1, 5] = value
    table = torch.zeros(10, 70)
    table[2, 3:] = table[5] = value
    for offset in (None, table):
        found = group_knn(nodes, keys, 9, relative_pos=offset)
        assert ((found >= 0) & (found < 70)).all()


@pytest.mark.skipif(sys.platform != 'linux', reason='torch has another OpenMP there')
def test_openmp_runs_a_function_on_as_many_threads_as_asked_for():
    seen = []
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: seen.append(get_ident()))
    openmp()(ctypes.cast(function, ctypes.c_void_p), None, 3, 0)
    assert len(set(seen)) == len(seen) == 3


@needs_kernels
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
    assert not searches_in_c(x.double(), y.double(), 9)
    assert not searches_in_c(x, y, 65)
    assert not aggregates_in_c(x.double(), y, torch.zeros(1, 1, 10, 9))
    assert not aggregates_in_c(x, y, torch.zeros(1, 1, 10, 257))
    expected = group_knn_plain(x.double(), y.double(), 65)
    assert torch.equal(group_knn(x, y, 65).sort(-1).values, expected.sort(-1).values)


@pytest.mark.parametrize('built', [pytest.param(True, marks=needs_kernels), False])
def test_the_order_of_halves_is_that_of_numpy(built, monkeypatch):
    if not built:
        monkeypatch.setattr(c_kernels, 'library', lambda: None)
    rng = np.random.RandomState(0)
    for n in (1, 2, 15, 16, 17, 18, 33, 100, 3000):
        for levels in (1, 2, 9, 1000):  # of which many are equal
            values = np.append(rng.randint(0, levels, n - 1), 0).astype(np.float16) / levels
            for given in (values, np.sort(values), np.sort(values)[::-1]):
                np.testing.assert_array_equal(order_of_halves(given), np.argsort(given))


@needs_kernels
@pytest.mark.parametrize('n', [2**12, 2**12 + 1, 50_001])
def test_floats_are_sorted_as_by_numpy(n):
    rng = np.random.RandomState(n)
    plain = rng.standard_normal(n).astype(np.float32)
    wide = rng.randint(0, 2**32, n, dtype=np.uint64).astype(np.uint32).view(np.float32)
    wide[np.isnan(wide)] = -np.inf  # denormal numbers and infinity stay
    for values in (plain, wide, plain.round(1), np.zeros(n, np.float32), np.repeat(plain, 2)[::2]):
        kept = values.copy()
        np.testing.assert_array_equal(sorted_floats(values), np.sort(values))
        np.testing.assert_array_equal(values, kept)


def test_what_numpy_sorts(monkeypatch):
    given = np.float32([]), np.float64([2, 1] * 3000), np.float32([[2, 1], [0, 3]] * 3000)
    for values in given:
        np.testing.assert_array_equal(sorted_floats(values), np.sort(values))
    monkeypatch.setattr(c_kernels, 'library', lambda: None)
    values = np.float32([3, -1, 2] * 2000)
    np.testing.assert_array_equal(sorted_floats(values), np.sort(values))


@needs_kernels
def test_an_order_that_numpy_finds_by_heapsort(monkeypatch):
    """Of which a partition would be the whole array again and again."""
    asked = []
    real = library().order_of_halves
    kernel = SimpleNamespace(order_of_halves=lambda *a: asked.append(real(*a)) or asked[-1])
    monkeypatch.setattr(c_kernels, 'library', lambda: kernel)
    values = killer(2000).astype(np.float16)
    np.testing.assert_array_equal(order_of_halves(values), np.argsort(values))
    assert asked == [1]


def killer(n):
    """Whole numbers below n that make a median of three the second smallest of its part."""
    place, value = np.arange(n), np.zeros(n, int)
    for first in range(0, n - 2, 2):
        middle = first + ((n - 1 - first) >> 1)
        value[place[first]], value[place[middle]] = first, first + 1
        place[[first + 1, middle]] = place[[middle, first + 1]]
    value[place[n - 2 :]] = n
    return value


def test_normalisation_of_zero_features_agrees():
    x = random(1, 4, 30)
    x[:, :, 3] = 0
    y = random(1, 4, 70, seed=1)
    y[:, :, 7] = 0
    assert normalize(x, dim=1)[0, :, 3].eq(0).all()
    found, expected = group_knn(x, y, 6), group_knn_plain(x.double(), y.double(), 6)
    rows = [i for i in range(30) if i != 3]  # a zero node is equally far from all unit keys
    assert torch.equal(found[:, :, rows], expected[:, :, rows])


@pytest.mark.parametrize('reason', ['not built', 'unreadable', 'turned off'])
def test_without_the_kernels_pytorch_finds_the_same(reason, monkeypatch, tmp_path, recwarn):
    x, y = random(2, 8, 50), random(2, 8, 40, seed=1)
    expected = group_knn(x, y, 5, 2, 2)
    features = max_relative(x, y, expected)
    if reason == 'turned off':
        monkeypatch.setenv('MLGCN_COMPILE', '0')
    else:
        monkeypatch.setattr(c_kernels, '__file__', str(tmp_path / 'c_kernels.py'))
    if reason == 'unreadable':
        (tmp_path / '_c').mkdir()
        (tmp_path / '_c' / f'kernels{c_kernels.EXTENSION_SUFFIXES[0]}').write_text('no library')
    try:
        library.cache_clear()
        assert not searches_in_c(x, y, 10)
        assert torch.equal(group_knn(x, y, 5, 2, 2), expected)
        assert torch.equal(max_relative(x, y, expected), features)
    finally:
        library.cache_clear()
    assert not recwarn


def test_the_config_key_turns_compiled_ops_off(monkeypatch):
    monkeypatch.setenv('MLGCN_COMPILE', '1')
    config = ROOT / 'configs/gkgnet/gkgnet_scenes.py'
    read_config(config, {})
    assert os.environ['MLGCN_COMPILE'] == '1'
    read_config(config, {'compiled_ops': False})
    try:
        library.cache_clear()
        assert library() is None
    finally:
        library.cache_clear()


@pytest.mark.parametrize('compiler', [True, False])
def test_they_are_built_where_there_is_a_compiler(compiler, tmp_path):
    if compiler and not shutil.which('cc'):
        pytest.skip('no C compiler here')
    folders = '--build-lib', str(tmp_path / 'lib'), '--build-temp', str(tmp_path / 'temp')
    environment = os.environ | ({} if compiler else dict(CC='no-such-compiler'))
    command = [sys.executable, 'setup.py', '-q', 'build_ext', *folders]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    built = [path.name for path in tmp_path.glob('lib/mlgcn/ops/_c/*')]
    assert built == [f'kernels{c_kernels.EXTENSION_SUFFIXES[0]}'] * compiler
