"""When the Triton kernels are used; their tests under the interpreter; their machine code."""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mlgcn.ops import triton_support
from mlgcn.ops.triton_support import runs_in_triton

TESTS = Path(__file__).parent


@pytest.fixture
def tried():
    triton_support._tried.cache_clear()
    yield triton_support._tried
    triton_support._tried.cache_clear()


def test_cpu_tensors_stay_with_pytorch(monkeypatch):
    monkeypatch.setattr(triton_support, 'triton_works', lambda: True)
    x = torch.zeros(1, 4, 9)
    assert not runs_in_triton(x, x)
    meta = torch.zeros(1, 4, 9, device='meta')
    assert not runs_in_triton(meta, x)


def test_environment_turns_it_off(tried, monkeypatch):
    monkeypatch.setenv('MLGCN_COMPILE', '0')
    monkeypatch.setattr(triton_support, '_try_out', lambda device: None)
    assert not tried()
    monkeypatch.setenv('MLGCN_COMPILE', '1')
    tried.cache_clear()
    assert tried()


def test_a_kernel_that_fails_is_logged_once(tried, monkeypatch, caplog):
    def fail(device):
        raise RuntimeError('\nno ptxas here\nmore')

    monkeypatch.setattr(triton_support, '_try_out', fail)
    monkeypatch.setattr(
        triton_support, 'print_log', lambda line, level, **_: logging.getLogger().log(level, line)
    )
    assert not tried()
    assert not tried()
    (line,) = caplog.messages
    assert 'not used (RuntimeError: no ptxas here): the slower PyTorch form is' in line


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
def test_kernels_work_on_this_gpu():
    assert triton_support.triton_works()
    assert runs_in_triton(*torch.zeros(2, 1, 4, 9, device='cuda'), 9)
    assert not runs_in_triton(*torch.zeros(2, 1, 4, 9, device='cuda', dtype=torch.float64), 9)
    assert not runs_in_triton(*torch.zeros(2, 1, 4, 999, device='cuda'), 999)


@pytest.mark.skipif(torch.cuda.is_available(), reason='the tests run on the GPU')
@pytest.mark.slow
def test_kernels_under_the_interpreter():
    pytest.importorskip('triton')
    files = [str(TESTS / f'test_triton_{name}.py') for name in ('knn', 'graph')]
    result = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', *files],
        env=os.environ | dict(TRITON_INTERPRET='1', OMP_NUM_THREADS='1'),
        cwd=TESTS.parents[1],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r'\d\d passed', result.stdout)
    assert 'skipped' not in result.stdout


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get('TRITON_INTERPRET') == '1', reason='needs the compiler')
@pytest.mark.parametrize('capability', [80, 90])
def test_kernels_compile_to_machine_code_without_a_gpu(capability, monkeypatch, tmp_path):
    pytest.importorskip('triton', minversion='3.3')
    monkeypatch.setenv('TRITON_CACHE_DIR', str(tmp_path))
    from mlgcn.ops import triton_kernels as kernels

    def compiled(kernel, warps, **arguments):
        """Machine code for arguments that are types ('*fp32'), or constants."""
        kinds = {n: v if isinstance(v, str) else 'constexpr' for n, v in arguments.items()}
        kinds = {n: kinds.get(n, 'i32') for n in kernel.arg_names}
        constants = {n: v for n, v in arguments.items() if not isinstance(v, str)}
        source = kernels.triton.compiler.ASTSource(kernel, kinds, constants)
        target = kernels.triton.backends.compiler.GPUTarget('cuda', capability, 32)
        options = dict(num_warps=warps)
        return kernels.triton.compile(source, target=target, options=options).asm['cubin']

    search = kernels.nearest_keys.fn
    tensors = {n: '*fp32' for n in search.arg_names if n.endswith('_ptr')} | dict(found_ptr='*i32')
    for tile in kernels.TILES:
        blocks = dict(tile.kwargs, SLOTS=16, BLOCK_C=16)
        assert compiled(search, tile.num_warps, **tensors, **blocks)
        without = tensors | dict(row_ptr=None, column_ptr=None)
        assert compiled(search, tile.num_warps, **without, **blocks)
    blocks = dict(BLOCK_N=64, BLOCK_C=32)
    index = dict(index_ptr='*i32', winner_ptr='*u8')
    halves = dict(x_ptr='*bf16', y_ptr='*bf16', out_ptr='*bf16')
    assert compiled(kernels.max_relative, 4, **halves, **index, **blocks)
    halves = dict(grad_ptr='*bf16', out_ptr='*fp32')
    assert compiled(kernels.add_to_winners, 4, **halves, **index, **blocks)
