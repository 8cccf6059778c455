"""Where the Triton kernels are used: on CUDA tensors, if they compile and give right answers."""

import functools
import logging
import os

import torch
from mmengine.logging import print_log
from torch import Tensor

from .triton_graph import max_relative_in_triton
from .triton_knn import MAX_COUNT, nearest_in_triton


def runs_in_triton(x: Tensor, y: Tensor, count: int = 1) -> bool:
    """Whether the kernels can take nodes x and keys y, and `count` neighbours of a node."""
    return (
        x.device.type == y.device.type == 'cuda'
        and torch.float64 not in (x.dtype, y.dtype)
        and count <= MAX_COUNT
        and triton_works()
    )


@torch.compiler.assume_constant_result
def triton_works() -> bool:
    """Whether Triton's kernels agree with PyTorch on a small problem; tried once in a process.

    If they don't, or don't compile, one line of the log says so. MLGCN_COMPILE=0 turns them off.
    """
    return _tried()


@functools.cache
def _tried() -> bool:
    if os.environ.get('MLGCN_COMPILE') == '0':
        return False
    try:
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast('cuda', enabled=False),
        ):
            _try_out(torch.device('cuda'))
    except Exception as error:  # whatever a compiler can raise
        reason = (str(error).strip().splitlines() or [''])[0]
        print_log(
            f'the Triton kernels are not used ({type(error).__name__}: {reason}): the slower '
            'PyTorch form is, with the same results',
            logger='current',
            level=logging.WARNING,
        )
        return False
    return True


def _try_out(device: torch.device) -> None:
    """Compare with the plain forms, on 40 nodes and 48 keys of 16 channels."""
    from .graph import max_relative_plain
    from .knn import group_knn_plain

    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(1, 16, n, generator=generator).to(device) for n in (40, 48))
    index = group_knn_plain(x.double(), y.double(), 9)
    found = nearest_in_triton(x, y, 9, 1, None).unsqueeze(1)
    torch.testing.assert_close(found, index, msg='wrong neighbours')

    x, y = x.requires_grad_(), y.requires_grad_()
    results = []
    for function in (max_relative_in_triton, max_relative_plain):
        out = function(x, y, index)
        results.append((out, *torch.autograd.grad(out.square().sum(), (x, y))))
    torch.testing.assert_close(*results, msg='wrong maxima or gradients')
