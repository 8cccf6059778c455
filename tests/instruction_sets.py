"""The C kernels for one instruction set instead of the best one of this processor."""

from types import SimpleNamespace

import pytest
import torch

from mlgcn.ops import c_kernels
from mlgcn.ops.c_kernels import library

SETS = {'portable': 'DEFAULT', 'avx2': 'AVX2', 'avx512': 'AVX512'}
needs_kernels = pytest.mark.skipif(library() is None, reason='the C kernels were not built')


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def use(name, monkeypatch, *functions):
    """From here on `functions` are those of the instruction set `name`; others are not there."""
    built, here = library(), torch.backends.cpu.get_cpu_capability()
    if list(SETS.values()).index(SETS[name]) > list(SETS.values()).index(here):
        pytest.skip(f'a processor with {here} only')
    chosen = {function: getattr(built, f'{function}_{name}') for function in functions}
    monkeypatch.setattr(c_kernels, 'library', lambda: SimpleNamespace(**chosen))
