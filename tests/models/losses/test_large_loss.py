"""Large loss matters against the published code."""

import pytest
import torch
from models.losses.published_losses import cases, check, check_extremes, set_epoch

from mlgcn.models.losses import LargeLoss

SIZES = dict(num_images=6, num_classes=9)


@pytest.mark.parametrize('case', cases('large_loss'))
def test_equals_the_published_loss(case):
    scheme, delta, clean = (case['options'][key] for key in ('scheme', 'delta_rel', 'clean_rate'))
    if 'argv' in scheme:  # the published command line: it computes LL-Ct of clean_rate
        scheme, delta = 'LL-Ct', 1 - clean
    set_epoch(1 if scheme == 'LL-Cp' else round((1 - clean) / delta))
    module = LargeLoss(scheme.removeprefix('LL-'), delta, published=True, **SIZES)
    check(case, module)
    if scheme == 'LL-Cp':
        changed = [list(map(int, place)) for place in case['changed']]
        assert module.corrected.nonzero().tolist() == changed


def test_known_positives_stay_where_few_labels_are_unknown():
    set_epoch(8)
    logits = torch.full((2, 3), -2.0, requires_grad=True)
    target = torch.tensor([[1, 1, -1], [1, 0, 0]])
    LargeLoss('Ct', delta=0.1)(logits, target).backward()
    assert (logits.grad[target == 1] < 0).all() and logits.grad[0, 2] < 0
    assert (logits.grad[target == 0] > 0).all()


def test_corrections_last():
    module = LargeLoss('Cp', delta=0.3, num_images=2, num_classes=3)
    logits, target = torch.tensor([[3.0, 2, -3], [-1, -2, 1]]), torch.full((2, 3), -1)
    for epoch, number in ((0, 0), (1, 1), (1, 2)):
        set_epoch(epoch)
        module(logits, target, torch.arange(2))
        assert int(module.corrected.sum()) == number
    assert module.eval()(logits, target, torch.arange(2)) > 0


def test_extremes():
    set_epoch(0)
    check_extremes(LargeLoss())
    with pytest.raises(ValueError, match="'X'"):
        LargeLoss('X')
    with pytest.raises(ValueError, match='num_images'):
        LargeLoss('Cp')
