"""A model's gradients and first steps of training against those of the published one."""

import numpy as np
import pytest
import torch

from mlgcn.checkpoints import published_key


def check_gradients(model, source, expected):
    """The norms of all gradients together, and of `groups` and `params` of published names."""
    grads = {published_key(key, source): p.grad for key, p in model.named_parameters()}
    assert all(grad is not None for grad in grads.values())
    norms = {key: grad.norm().item() for key, grad in grads.items()}
    assert np.linalg.norm(list(norms.values())) == pytest.approx(expected['total'], rel=1e-8)
    for group, norm in expected.get('groups', {}).items():
        mine = [v for k, v in norms.items() if k == group or k.startswith(f'{group}.')]
        assert np.linalg.norm(mine) == pytest.approx(norm, rel=1e-8), group
    for key, norm in expected.get('params', {}).items():
        # fixtures store nine digits; biases before a BatchNorm have rounding errors alone
        assert norms[key] == pytest.approx(norm, rel=1e-8, abs=1e-9), key


def check_five_steps(model, images, samples, optimizer, clip, expected):
    """Losses before each step and after the last, norms of gradients; the logits in the end."""
    losses, norms = [], []
    for _ in range(5):
        losses.append(model.train().loss(images, samples))
        optimizer.zero_grad()
        sum(losses[-1].values()).backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), clip).item())
        optimizer.step()
    with torch.no_grad():  # before one more training forward moves the BatchNorm statistics
        logits = model.eval()(images)
        losses.append(model.train().loss(images, samples))
    for mine, wanted in zip(losses, expected['losses_before_each_step_then_after_last']):
        for key, value in mine.items():
            assert value.item() == pytest.approx(wanted[key], rel=1e-8)
    np.testing.assert_allclose(norms, expected['grad_norm_before_clip'], rtol=1e-8)
    return logits
