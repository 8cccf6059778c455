"""mlgcn.TIMMBackbone: upstream's, with a switch to freeze it."""

import torch

from mlgcn.models.backbones import TIMMBackbone

ARGS = dict(model_name='resnet10t', features_only=True, out_indices=(4,))


def test_frozen_backbone_keeps_weights_and_statistics():
    model = TIMMBackbone(**ARGS, frozen=True).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    (last,) = model(torch.randn(2, 3, 64, 64))
    assert last.shape == (2, 512, 2, 2) and not last.requires_grad
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_unfrozen_backbone_trains():
    model = TIMMBackbone(**ARGS).train()
    model(torch.randn(2, 3, 64, 64))[0].sum().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    assert all(p.requires_grad for p in model.parameters())
