"""What grapher and FFN do to save memory changes no bit: recomputed activations, strips."""

import pytest
import torch
from torch import nn

from mlgcn.models.layers import grapher
from mlgcn.models.layers.grapher import FFN, GraphBlock, norm_gelu_then


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize('autocast', [False, True])
@pytest.mark.parametrize('frozen', [False, True])
def test_recomputed_activations_give_the_same_bits(frozen, autocast):
    torch.manual_seed(0)
    block = GraphBlock(8, k=3)
    norms = [m for m in block.modules() if isinstance(m, nn.BatchNorm2d)]
    results = []
    for keep in (True, False):
        block.grapher.keep_hidden = block.ffn.keep_hidden = keep
        block.train()
        for norm in norms:
            norm.reset_running_stats()
            norm.train(not frozen)
        block.zero_grad()
        x = random(2, 8, 6, 5).requires_grad_()
        with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
            out, _ = block(x)
        out.float().square().mean().backward()
        state = [t.clone() for t in (out, x.grad, *(p.grad for p in block.parameters()))]
        results.append([*state, *(norm.running_var.clone() for norm in norms)])
    assert all(torch.equal(a, b) for a, b in zip(*results))
    assert results[0][1].abs().sum() > 0


@pytest.mark.parametrize(('keep', 'maps'), [(True, 3), (False, 1)])
def test_only_the_input_is_kept_for_the_backward_pass(keep, maps):
    conv, norm = nn.Conv2d(16, 16, 1), nn.BatchNorm2d(16)
    x = random(1, 16, 64, 64).requires_grad_()
    with torch.profiler.profile(profile_memory=True) as profile:
        out = norm_gelu_then(norm, conv, x, keep)
    events = profile.profiler.kineto_results.events()
    held = sum(event.nbytes() for event in events if event.name() == '[memory]')
    assert out.requires_grad  # the result itself is one of the maps
    assert held == pytest.approx(maps * 4 * x.numel(), rel=0.05)


@pytest.mark.parametrize('shape', [(2, 8, 21, 5), (2, 8, 50)])
def test_strips_of_a_large_map_give_the_same_answer(shape, monkeypatch):
    torch.manual_seed(0)
    ffn = FFN(8, dim=len(shape) - 2).eval()
    x = random(*shape)
    with torch.no_grad():
        whole = ffn(x)
        monkeypatch.setattr(grapher, 'STRIP', 4 * x.numel() // 9)
        calls = []
        ffn.fc2.register_forward_hook(lambda *_: calls.append(1))
        strips = ffn(x)
    assert len(calls) > 4
    torch.testing.assert_close(strips, whole, rtol=0, atol=1e-6)


def test_training_and_batch_statistics_never_see_strips(monkeypatch):
    monkeypatch.setattr(grapher, 'STRIP', 1)
    ffn, calls = FFN(8), []
    ffn.fc2.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        ffn.train()(random(2, 8, 9, 5))
    ffn.eval()(random(2, 8, 9, 5))  # with gradients
    assert len(calls) == 2
