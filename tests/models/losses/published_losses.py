"""Values and gradients of published losses (tests/data/losses_peers.json), and how to compare."""

import json

import pytest
import torch
from mmengine.logging import MessageHub
from paths import TESTS

FILE = json.loads((TESTS / 'data/losses_peers.json').read_text())


def cases(*kinds):
    """pytest parameters of the file's cases of these kinds."""
    chosen = [case for case in FILE['cases'] if case['kind'] in kinds]
    return [pytest.param(case, id=f'{case["kind"]}-{i}') for i, case in enumerate(chosen)]


def set_epoch(epoch):
    MessageHub.get_current_instance().update_info('epoch', epoch)


def check(case, module):
    """The loss and its gradient equal the published ones; returns the module's gradients."""
    table = FILE['tables'][case['table']]
    logits = torch.tensor(table['logits'], dtype=torch.float64, requires_grad=True)
    target = torch.tensor(table['target'])
    if 'unknown passed as 0' in case.get('note', ''):
        target = target.clamp(min=0)
    loss = module(logits, target, torch.arange(len(target)))
    assert loss.item() == pytest.approx(case['loss'], rel=1e-9, abs=1e-9)
    loss.backward()
    expected = torch.tensor(case['grad'], dtype=torch.float64)
    torch.testing.assert_close(logits.grad, expected, rtol=1e-8, atol=1e-9)


def check_extremes(module, signs=True):
    """Finite in every dtype at logits of +-1e4; labels that are wrong still get a gradient."""
    target = torch.tensor([[1, 0, 1, 0, -1, -1], [1, 0, 0, 1, -1, 0]])
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        values = torch.tensor([[-1e4, 1e4, 1e4, -1e4, 1e4, -1e4], [0, 0, 3, -3, 1, -1]])
        logits = values.to(dtype).requires_grad_()
        loss = module(logits, target, torch.arange(2))
        loss.backward()
        assert torch.isfinite(loss) and torch.isfinite(logits.grad).all(), dtype
        if signs:
            assert logits.grad[0, 0] < 0 < logits.grad[0, 1], dtype
