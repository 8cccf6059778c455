"""Less memory, the same bits: activations computed again in the backward pass, maps in strips.

The layers call :func:`gelu_between` and :func:`checkpointed` and read as if nothing were saved.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from mlgcn.ops.norm_gelu import norm_gelu_pointwise, runs_in_one_pass

STRIP = 2**20  # hidden numbers at a time in inference: they stay in a CPU's cache
_all_kept = ContextVar('all_kept', default='')


def gelu_between(first: nn.Sequential, second: nn.Sequential, x: Tensor) -> Tensor:
    """second(gelu(first(x))), each a 1x1 convolution and BatchNorm: (B, C, ...) -> (B, C', ...).

    In training, of the hidden activations only the output of first's convolution is kept. In
    inference on a CPU a large map goes through in strips of rows.
    """
    if torch.compiler.is_compiling() or _all_kept.get() == 'plain':
        return second(F.gelu(first(x)))
    (conv, norm), (next_conv, next_norm) = first, second
    hidden = x.numel() // x.shape[1] * conv.out_channels
    inner = partial(_norm_gelu_conv, norm, next_conv)
    # batch statistics need the whole
    if torch.is_grad_enabled() or first.training or not x.is_cpu or hidden < 4 * STRIP:
        return next_norm(inner(conv(x)))
    strips = x.split(max(x.shape[2] * STRIP // hidden, 1), 2)
    return torch.cat([next_norm(inner(conv(strip))) for strip in strips], 2)


def _norm_gelu_conv(norm: nn.Module, conv: nn.Module, x: Tensor) -> Tensor:
    if runs_in_one_pass(x, norm, conv.weight):
        return norm_gelu_pointwise(x, norm, conv.weight, conv.bias)
    if not torch.is_grad_enabled():
        return conv(torch.ops.aten.gelu_(norm(x)))

    def activated(x: Tensor) -> Tensor:
        # checkpoint stops when it has the convolution's input: none is computed again
        return conv(F.gelu(norm(x)))

    # SyncBatchNorm would communicate again
    if _all_kept.get() or type(norm) not in (nn.BatchNorm1d, nn.BatchNorm2d):
        return activated(x)
    return _recomputed(activated, norm, x, preserve_rng_state=False)


def checkpointed(module: nn.Module, *args, **kwargs):
    """module(*args, **kwargs), all of whose activations are computed again in the backward pass."""
    if not torch.is_grad_enabled():
        return module(*args, **kwargs)

    @all_kept('checkpoint')  # once is enough: gelu_between need not save anything inside
    def run(*args):
        return module(*args, **kwargs)

    return _recomputed(run, module, *args)


def _recomputed(function: Callable, module: nn.Module, *args, preserve_rng_state: bool = True):
    """function(*args), computed again in the backward pass without the module's statistics."""
    calls = itertools.count()  # more than two where the graph is retained

    def run(*args):
        with statistics_paused(module) if next(calls) else nullcontext():
            return function(*args)

    return checkpoint(run, *args, use_reentrant=False, preserve_rng_state=preserve_rng_state)


@contextmanager
def all_kept(why: str = 'plain') -> Iterator[None]:
    """:func:`gelu_between` keeps every activation; 'plain': step by step, as published."""
    token = _all_kept.set(why)
    try:
        yield
    finally:
        _all_kept.reset(token)


@contextmanager
def statistics_paused(module: nn.Module) -> Iterator[None]:
    """BatchNorm layers leave their running statistics alone: the batch was counted already."""
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, batches) in zip(norms, before):
            norm.momentum, norm.num_batches_tracked = momentum, batches
