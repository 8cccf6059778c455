"""When the Triton kernel is used; its tests under the interpreter; its machine code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mlgcn.ops import triton_knn
from mlgcn.ops.triton_knn import runs_in_triton

TESTS = Path(__file__).parent


@pytest.fixture(autouse=True)
def untried():
    triton_knn._works.cache_clear()
    yield
    triton_knn._works.cache_clear()


def test_cpu_tensors_stay_with_pytorch(monkeypatch):
    monkeypatch.setattr(triton_knn, '_works', lambda device: True)
    x = torch.zeros(1, 4, 9)
    assert not runs_in_triton(x, x, 1)
    assert not runs_in_triton(torch.zeros(1, 4, 9, device='meta'), x, 1)


def test_a_kernel_that_fails_warns_once(monkeypatch, recwarn):
    def fail(*args):
        raise RuntimeError('\nno ptxas here\nmore')

    monkeypatch.setattr(triton_knn, 'nearest_in_triton', fail)
    assert not triton_knn._works('cpu')
    assert not triton_knn._works('cpu')
    (warning,) = recwarn
    assert 'RuntimeError: no ptxas here' in str(warning.message)


def test_a_kernel_with_wrong_neighbours_is_not_used(monkeypatch):
    wrong = torch.zeros(1, 40, 9, dtype=torch.int32)
    monkeypatch.setattr(triton_knn, 'nearest_in_triton', lambda *args: wrong)
    with pytest.warns(UserWarning, match='wrong neighbours'):
        assert not triton_knn._works('cpu')


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
def test_the_kernel_works_on_this_gpu(monkeypatch):
    nodes = torch.zeros(1, 4, 9, device='cuda')
    assert runs_in_triton(nodes, nodes, 9)
    assert not runs_in_triton(nodes.double(), nodes.double(), 9)
    assert not runs_in_triton(nodes, nodes, 129)
    monkeypatch.setenv('MLGCN_COMPILE', '0')
    assert not runs_in_triton(nodes, nodes, 9)


@pytest.mark.skipif(torch.cuda.is_available(), reason='the tests run on the GPU')
@pytest.mark.slow
def test_the_kernel_under_the_interpreter():
    pytest.importorskip('triton')
    command = [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider']
    result = subprocess.run(
        [*command, str(TESTS / 'test_triton_knn.py')],
        env=os.environ | dict(TRITON_INTERPRET='1', OMP_NUM_THREADS='1'),
        cwd=TESTS.parents[1],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r'\d\d passed', result.stdout)
    assert 'skipped' not in result.stdout


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get('TRITON_INTERPRET') == '1', reason='needs the compiler')
@pytest.mark.parametrize('capability', [80, 90])
def test_the_kernel_compiles_to_machine_code_without_a_gpu(capability, monkeypatch, tmp_path):
    pytest.importorskip('triton', minversion='3.3')
    monkeypatch.setenv('TRITON_CACHE_DIR', str(tmp_path))
    from mlgcn.ops import triton_kernels as kernels

    kernel = kernels.nearest_keys.fn
    tensors = {n: '*fp32' for n in kernel.arg_names if n.endswith('_ptr')} | dict(found_ptr='*i32')
    for tile in kernels.TILES:
        for tables in ({}, dict(row_ptr=None, column_ptr=None)):
            arguments = {**tensors, **tile.kwargs, 'SLOTS': 16, 'BLOCK_C': 16, **tables}
            kinds = {n: v if isinstance(v, str) else 'constexpr' for n, v in arguments.items()}
            kinds = {n: kinds.get(n, 'i32') for n in kernel.arg_names}
            constants = {n: v for n, v in arguments.items() if not isinstance(v, str)}
            source = kernels.triton.compiler.ASTSource(kernel, kinds, constants)
            target = kernels.triton.backends.compiler.GPUTarget('cuda', capability, 32)
            options = dict(num_warps=tile.num_warps)
            assert kernels.triton.compile(source, target=target, options=options).asm['cubin']
