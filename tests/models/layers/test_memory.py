"""What saves memory changes no bit: recomputed activations, strips, checkpointed blocks."""

import pytest
import torch
from torch import nn

from mlgcn.models.layers import memory
from mlgcn.models.layers.grapher import FFN, GraphBlock, conv_norm
from mlgcn.models.layers.memory import all_kept, checkpointed, gelu_between
from mlgcn.ops.rows import channels_last


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def kept(block, x):
    with all_kept():
        return block(x)


def recomputed(block, x):
    return checkpointed(block, x)


@pytest.mark.parametrize('run', [lambda block, x: block(x), recomputed])
@pytest.mark.parametrize('mode', ['float64', 'float32', 'autocast'])
@pytest.mark.parametrize('frozen', [False, True])
def test_recomputed_activations_give_the_same_bits(frozen, mode, run):
    """In float32 on a CPU, one pass over memory does it, which rounds otherwise."""
    torch.manual_seed(0)
    dtype = torch.float64 if mode == 'float64' else torch.float32
    block = GraphBlock(8, k=3, drop_path=0.5).to(dtype)
    norms = [m for m in block.modules() if isinstance(m, nn.BatchNorm2d)]
    results = []
    for form in (kept, run):
        block.train().zero_grad()
        for norm in norms:
            norm.reset_running_stats()
            norm.train(not frozen)
        x = random(2, 8, 6, 5).to(dtype).requires_grad_()
        torch.manual_seed(1)
        with torch.autocast('cpu', torch.bfloat16, enabled=mode == 'autocast'):
            out, _ = form(block, x)
        out.to(dtype).square().mean().backward()
        state = [t.clone() for t in (out, x.grad, *(p.grad for p in block.parameters()))]
        counted = [norm.num_batches_tracked.clone() for norm in norms]
        results.append([*state, *counted, *(norm.running_var.clone() for norm in norms)])
    tolerance = dict(rtol=1e-4, atol=1e-5) if mode == 'float32' else dict(rtol=0, atol=0)
    for plain, ours in zip(*results):
        torch.testing.assert_close(ours, plain, **tolerance)
    assert results[0][1].abs().sum() > 0


@pytest.mark.parametrize('run', [lambda block, x: block(x), recomputed])
def test_a_graph_that_is_retained_gives_the_same_gradient_again(run):
    block, x = GraphBlock(8, k=3), random(2, 8, 6, 5).requires_grad_()
    out = run(block, x)[0].square().sum()
    first, again = (torch.autograd.grad(out, x, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, again)
    assert all(m.num_batches_tracked == 1 for m in block.modules() if hasattr(m, 'momentum'))


def bytes_held(function):
    """What is allocated and not freed when the function returns, and its result."""
    with torch.profiler.profile(profile_memory=True) as profile:
        result = function()
    events = profile.profiler.kineto_results.events()
    return sum(event.nbytes() for event in events if event.name() == '[memory]'), result


def test_of_the_hidden_activations_one_is_kept():
    first, second = conv_norm(8, 16, 2), conv_norm(16, 8, 2)
    x = channels_last(random(1, 8, 64, 64)).requires_grad_()
    held, out = bytes_held(lambda: gelu_between(first, second, x))
    with all_kept():
        all_held, all_out = bytes_held(lambda: gelu_between(first, second, x))
    torch.testing.assert_close(out, all_out)
    size = 4 * x.numel()  # bytes of an outer activation; hidden ones have twice as many
    # the result, the input of second's norm, the output of first's convolution
    assert held == pytest.approx((1 + 1 + 2) * size, rel=0.05)
    assert all_held == pytest.approx((1 + 1 + 3 * 2) * size, rel=0.05)


def operators(function):
    with torch.profiler.profile() as profile:
        result = function()
    return result, {event.key: event.count for event in profile.key_averages()}


@pytest.mark.parametrize(('dtype', 'kernel'), [('float64', '_conv'), ('float32', '_linear')])
def test_no_convolution_is_computed_again(dtype, kernel):
    dtype = getattr(torch, dtype)
    first, second = conv_norm(8, 16, 2).to(dtype), conv_norm(16, 8, 2).to(dtype)
    x = random(1, 8, 32, 32).to(dtype).requires_grad_()
    out, forward = operators(lambda: gelu_between(first, second, x).sum())
    _, backward = operators(out.backward)
    # below aten::convolution, which is entered and left at once: an input is all that is wanted
    again = {name: backward.get(name, 0) for name in forward if kernel in name}
    # in float32 the gradients of two inputs and two weights are such products too
    assert again and set(again.values()) == {0 if dtype == torch.float64 else 4}


@pytest.mark.parametrize('shape', [(2, 8, 21, 5), (2, 8, 50)])
def test_strips_of_a_large_map_give_the_same_answer(shape, monkeypatch):
    torch.manual_seed(0)
    ffn = FFN(8, dim=len(shape) - 2).eval()
    x = random(*shape)
    with torch.no_grad():
        whole = ffn(x)
        monkeypatch.setattr(memory, 'STRIP', 4 * x.numel() // 9)
        calls = []
        ffn.fc2[1].register_forward_hook(lambda *_: calls.append(1))
        strips = ffn(x)
    assert len(calls) > 4
    torch.testing.assert_close(strips, whole, rtol=0, atol=1e-6)


def test_training_and_batch_statistics_never_see_strips(monkeypatch):
    monkeypatch.setattr(memory, 'STRIP', 1)
    ffn, calls = FFN(8), []
    ffn.fc2[1].register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        ffn.train()(random(2, 8, 9, 5))
    ffn.eval()(random(2, 8, 9, 5))  # with gradients
    assert len(calls) == 2


def test_synchronised_norms_are_not_computed_again():
    first, second = conv_norm(4, 8, 2).eval(), conv_norm(8, 4, 2).eval()
    first = nn.SyncBatchNorm.convert_sync_batchnorm(first)
    calls = []
    first[1].register_forward_hook(lambda *_: calls.append(1))
    gelu_between(first, second, random(2, 4, 5, 5).requires_grad_()).sum().backward()
    assert len(calls) == 1
