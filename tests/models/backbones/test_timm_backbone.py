"""mlgcn.TIMMBackbone: upstream's, with a switch to freeze it."""

import pytest
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


@pytest.mark.parametrize(
    ('name', 'options', 'channels'),
    [
        ('swin_tiny_patch4_window7_224', dict(img_size=(64, 96), window_size=2), 768),
        ('vit_tiny_patch16_224', dict(img_size=(64, 96), depth=1), 192),
    ],
)
def test_transformers_give_maps(name, options, channels):
    backbone = TIMMBackbone(model_name=name, **options).eval()
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        maps = backbone(images)
        tokens = backbone.timm_model.forward_features(images)
    stride = 32 if 'swin' in name else 16
    assert maps[-1].shape == (2, channels, 64 // stride, 96 // stride)
    # the last token is the last place, whatever stands before the patches
    last = tokens[:, -1, -1] if tokens.ndim == 4 else tokens[:, -1]
    assert torch.equal(maps[-1][:, :, -1, -1], last)
