"""ASL, CSL, focal, Hill and SPLC against the published code."""

import pytest
import torch
from models.losses.published_losses import cases, check, check_extremes, set_epoch

from mlgcn.models.losses import (
    ASL,
    HillLoss,
    MultiLabelFocalLoss,
    PartialASL,
    SPLCLoss,
)


@pytest.mark.parametrize('case', cases('asl', 'asl_q2l'))
def test_asymmetric(case):
    options = case['options']
    names = ('gamma_neg', 'gamma_pos', 'clip', 'eps', 'detach_focal')
    scaled = {} if case['kind'] == 'asl' else dict(reduction='mean', loss_weight=1000)
    check(case, ASL(*(options[name] for name in names), **scaled))
    if case['table'] == 'full' and case['kind'] == 'asl':  # without the clamp it is the same there
        options = {**options, 'eps': None}
        check(case, ASL(*(options[name] for name in names)))


@pytest.mark.parametrize('case', cases('csl'))
def test_partial_asymmetric(case):
    o = case['options']
    mode = o['partial_loss_mode'].replace('ignore_normalize_classes', 'normalize')
    gamma = (o['gamma_pos'], o['gamma_neg'], o['gamma_unann'])
    alpha = (o['alpha_pos'], o['alpha_neg'], o['alpha_unann'])
    more = dict(topk=o.get('likelihood_topk', 1), prior=o.get('prior'))
    check(case, PartialASL(gamma, alpha, o['clip'], 1e-8, mode, **more))


@pytest.mark.parametrize('case', cases('focal', 'focal_db'))
def test_focal(case):
    scaled = {} if case['kind'] == 'focal' else dict(reduction='mean', loss_weight=2)
    check(
        case,
        MultiLabelFocalLoss(case['options']['gamma'], case['options'].get('alpha', -1), **scaled),
    )


@pytest.mark.parametrize('case', cases('hill', 'splc'))
def test_hill_and_splc(case):
    options = dict(case['options'])
    set_epoch(options.pop('epoch', 0))
    check(case, {'hill': HillLoss, 'splc': SPLCLoss}[case['kind']](**options))


@pytest.mark.parametrize('kind', [ASL, PartialASL, MultiLabelFocalLoss, SPLCLoss])
def test_extremes(kind):
    set_epoch(0)
    check_extremes(kind(**({'clip': 0} if kind is ASL else {})))


def test_extremes_without_a_gradient_by_design():
    check_extremes(ASL(), signs=False)  # clipped negatives
    check_extremes(HillLoss(), signs=False)


def test_unknown_labels_cost_nothing_or_are_wrong():
    logits = torch.randn(3, 4, requires_grad=True)
    target = torch.tensor([[1, -1, 0, -1]] * 3)
    for module in (ASL(), MultiLabelFocalLoss(), PartialASL(mode='ignore')):
        (gradient,) = torch.autograd.grad(module(logits, target), logits)
        assert (gradient[:, [1, 3]] == 0).all() and (gradient[:, 0] != 0).all()
    with pytest.raises(ValueError, match='ASL.*1, 0 or -1.*2'):
        ASL()(logits, target + 1)
    with pytest.raises(ValueError, match="'max'"):
        MultiLabelFocalLoss(reduction='max')


def test_equals_timm_and_mmpretrain():
    from mmpretrain.models.losses import AsymmetricLoss
    from timm.loss import AsymmetricLossMultiLabel

    logits = 3 * torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    target = (logits + torch.randn(5, 7, generator=torch.Generator().manual_seed(1)) > 0).float()
    options = dict(gamma_neg=4, gamma_pos=1, clip=0.05, eps=1e-8)
    ours = ASL(**options, detach=False)(logits, target)
    published = AsymmetricLossMultiLabel(**options)(logits, target)
    assert ours.item() in (pytest.approx(published.item()), pytest.approx(5 * published.item()))
    upstream = AsymmetricLoss(**options)(logits, target)
    assert ours.item() == pytest.approx(upstream.item() * 35)
