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


@pytest.mark.parametrize('name, stages, channels, strides', [
    ('tf_efficientnet_lite0', (2, 3), (40, 112, 1280), (8, 16, 32)),
    ('swin_tiny_patch4_window7_224', (1,), (192, 768), (8, 32)),
    ('vit_tiny_patch16_224', (5, 11), (192, 192, 192), (16, 16, 16)),
])  # fmt: skip
def test_stages_and_the_last_output(name, stages, channels, strides):
    options = dict(img_size=(64, 64)) if 'swin' in name or 'vit' in name else {}
    if 'swin' in name:
        options['window_size'] = 2
    backbone = TIMMBackbone(model_name=name, out_indices=stages, frozen=True, **options)
    images = torch.randn(2, 3, 64, 64)
    maps = backbone.eval()(images)
    shapes = [(2, c, 64 // s, 64 // s) for c, s in zip(channels, strides)]
    assert [m.shape for m in maps] == shapes
    plain = TIMMBackbone(model_name=name, **options).eval()
    plain.load_state_dict(backbone.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(maps[-1], plain(images)[-1])


def test_depths_follow_the_network():
    """Lite0 has 17 layers, a stem and 16 blocks; neck and head of the model are one more."""
    backbone = TIMMBackbone('tf_efficientnet_lite0')
    names = ('conv_stem.weight', 'blocks.1.1.conv_dw.weight', 'blocks.6.0.bn1.bias', 'bn2.weight')
    depths = [backbone.get_layer_depth(f'backbone.timm_model.{n}', 'backbone.') for n in names]
    assert depths == [(0, 18), (3, 18), (16, 18), (16, 18)]
    assert backbone.get_layer_depth('head.fc.weight', 'backbone.') == (17, 18)


def test_frozen_layers_keep_weights_and_statistics():
    backbone = TIMMBackbone('tf_efficientnet_lite0', out_indices=(3,), frozen_layers=4).train()
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    sum(m.mean() for m in backbone(torch.randn(2, 3, 64, 64))).backward()
    still = ('conv_stem.', 'bn1.', 'blocks.0.', 'blocks.1.')
    for name, parameter in backbone.timm_model.named_parameters():
        assert (parameter.grad is None) == name.startswith(still), name
    for key, value in backbone.state_dict().items():
        if key.endswith('running_mean'):
            same = torch.equal(before[key], value)
            assert same == key.removeprefix('timm_model.').startswith(still), key


def test_layers_of_feature_lists_are_not_known():
    with pytest.raises(ValueError, match='features_only'):
        TIMMBackbone(**ARGS, frozen_layers=1)
