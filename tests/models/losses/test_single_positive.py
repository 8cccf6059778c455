"""Losses of images with one known positive against the published code."""

import pytest
import torch
import torch.nn.functional as F
from models.losses.published_losses import cases, check, check_extremes, set_epoch

from mlgcn.models.losses import (
    AssumeNegativeLoss,
    EntropyMaximizationLoss,
    ExpectedPositivesLoss,
    ROLELoss,
)


@pytest.mark.parametrize('case', cases('bce', 'an', 'iun', 'bce_ls', 'an_ls', 'wan', 'iu'))
def test_assume_negative(case):
    options = dict(wan=dict(weak=True), iu=dict(ignore=True)).get(case['kind'], {})
    check(case, AssumeNegativeLoss(label_smoothing=case['options'].get('ls', 0), **options))


@pytest.mark.parametrize('case', cases('epr'))
def test_expected_positives(case):
    check(case, ExpectedPositivesLoss(case['options']['expected_num_pos']))


@pytest.mark.parametrize('case', cases('role'))
def test_role(case):
    module = ROLELoss(case['options']['expected_num_pos'], num_images=6, num_classes=9).double()
    assert module.estimate.abs().max() <= 0.405
    module.estimate.data.copy_(torch.tensor(case['options']['estimator_logits']).double())
    check(case, module)
    expected = torch.tensor(case['grad_estimator'], dtype=torch.float64)
    torch.testing.assert_close(module.estimate.grad, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize('case', cases('em'))
def test_entropy_maximization(case):
    check(case, EntropyMaximizationLoss(case['options']['alpha']))


@pytest.mark.parametrize('case', cases('em_apl'))
def test_pseudo_labels(case):
    set_epoch(0)
    options = dict(num_images=6, num_classes=9)
    module = EntropyMaximizationLoss(**case['options'], **options).double()
    observed = torch.tensor(case['observed'], dtype=torch.float64)
    module.pseudo.copy_(torch.where(observed < 0, -observed, -1.0))
    check(case, module)


def test_lowest_unknown_labels_get_their_probability():
    module = EntropyMaximizationLoss(beta=0.5, warm_up=1, epochs=3, num_images=4, num_classes=2)
    logits = torch.tensor([[-3.0, 1], [-2, 2], [-1, 3], [0, 4]])
    target = torch.tensor([[-1, 1], [-1, -1], [1, -1], [-1, -1]])
    steps = ((0, []), (1, [[0, 0], [1, 1]]), (2, [[0, 0], [1, 0], [1, 1], [2, 1]]))
    for epoch, labelled in steps:
        set_epoch(epoch)
        for rows in ([0, 1], [2, 3]):  # floor(0.9 * 3 / 2) = 1 label a class and epoch
            module(logits[rows], target[rows], torch.tensor(rows))
        assert (module.pseudo >= 0).nonzero().tolist() == [
            list(place) for place in sorted(labelled)
        ]
    assert module.pseudo[1, 0] == torch.sigmoid(logits[1, 0])


@pytest.mark.parametrize('eps', [1e-5, None])
def test_extremes(eps):
    state = dict(expected=2.0, num_images=2, num_classes=6, eps=eps)
    check_extremes(AssumeNegativeLoss(eps=eps), signs=eps is None)  # 1e-5 ends their gradients
    check_extremes(EntropyMaximizationLoss(eps=eps), signs=eps is None)
    check_extremes(ROLELoss(**state), signs=eps is None)
    check_extremes(ExpectedPositivesLoss(2.0, eps=eps), signs=False)  # and counts no negatives


def test_logarithms_of_logits_are_the_plain_cross_entropy():
    logits = torch.tensor([[-300.0, 300, 0.3], [300, -300, 2]], requires_grad=True)
    target = torch.tensor([[1, 0, -1], [1, 0, 1]])
    loss = AssumeNegativeLoss(eps=None)(logits, target)
    plain = F.binary_cross_entropy_with_logits(logits, target.clamp(min=0).float())
    assert loss.item() == pytest.approx(plain.item(), rel=1e-6)
    loss.backward()
    assert (6 * logits.grad[0, :2]).tolist() == [-1, 1]


def test_state_per_image_needs_the_index():
    module = ROLELoss(1.0, num_images=2, num_classes=3)
    with pytest.raises(ValueError, match='sample_idx'):
        module(torch.zeros(1, 3), torch.zeros(1, 3))
    with pytest.raises(ValueError, match='num_images=2.* 7'):
        module(torch.zeros(1, 3), torch.zeros(1, 3), torch.tensor([7]))
    with pytest.raises(ValueError, match='num_images, num_classes'):
        EntropyMaximizationLoss(beta=0.1)
