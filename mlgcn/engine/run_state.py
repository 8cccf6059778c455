"""What a checkpoint needs beside upstream's parts, so that a run goes on as if never stopped."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.dist import gather_object, get_rank, get_world_size
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn


def run_state(runner: Runner, iteration: int, epoch: int, validated: bool) -> dict[str, Any]:
    """The state of the run after `iteration` iterations, of which `epoch` epochs are complete.

    Every process must call it; the first one gets the whole: `world_size`, `epoch_length`
    (iterations), `position` (iterations done in the epoch), `validated` (whether the validation of
    the last complete epoch, if one was due, is over), `sampler_seed`, and for every process in
    `ranks` its random states and, within an accumulation of gradients, the gradients so far.
    """
    loader = runner.train_loop.dataloader
    own = dict(random=getattr(runner.train_loop, 'random_state', None) or random_state())
    if not runner.optim_wrapper.should_update():
        own['gradients'] = {
            name: parameter.grad.cpu()
            for name, parameter in unwrapped(runner.model).named_parameters()
            if parameter.grad is not None
        }
    return dict(
        world_size=get_world_size(),
        epoch_length=len(loader),
        position=iteration - epoch * len(loader),
        validated=validated,
        sampler_seed=loader.sampler.seed,
        ranks=gather_object(own) if get_world_size() > 1 else [own],
    )


def set_run_state(runner: Runner, state: dict[str, Any]) -> None:
    """Give this process its part of what :func:`run_state` returned for as many processes.

    Without `ranks` there is nothing to give.
    """
    if state['ranks'] is None:
        return
    own = state['ranks'][get_rank()]
    set_random_state(own['random'])
    gradients = own.get('gradients', {})
    for name, parameter in unwrapped(runner.model).named_parameters():
        if name in gradients:
            parameter.grad = gradients[name].to(parameter.device)
    if gradients:  # upstream has just warned that they are lost
        runner.logger.info('the gradients accumulated so far are restored')


def random_state(cuda: bool = True) -> dict[str, Any]:
    """States of Python's, numpy's, torch's and (of this process's GPU) CUDA's generators.

    Plain values and tensors alone, so that a checkpoint may hold them.
    """
    _, keys, *rest = np.random.get_state()
    state = dict(
        python=random.getstate(),
        numpy=(torch.from_numpy(keys.astype(np.int64)), *rest),
        torch=torch.get_rng_state(),
    )
    if cuda and torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Set the generators to what :func:`random_state` returned."""
    random.setstate(state['python'])
    keys, *rest = state['numpy']
    np.random.set_state(('MT19937', keys.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())


@contextmanager
def unchanged_randomness(cuda: bool = True) -> Iterator[None]:
    """Whatever is drawn inside does not change what is drawn afterwards."""
    state = random_state(cuda)
    try:
        yield
    finally:
        set_random_state(state)


def unwrapped(model: nn.Module) -> nn.Module:
    """The model without DistributedDataParallel around it."""
    return model.module if is_model_wrapper(model) else model


def is_finite(tensors: list[Tensor]) -> bool:
    """Whether no floating-point entry is infinite or NaN."""
    return all(bool(t.isfinite().all()) for t in tensors if t.is_floating_point())
