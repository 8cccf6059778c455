"""Folded batch norms: the same logits for every kind of model, fewer layers."""

import copy

import pytest
import timm
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.models.backbones import ResNet
from mmpretrain.models.backbones.resnet import Bottleneck
from paths import DATA
from torch.nn.modules.batchnorm import _BatchNorm

from mlgcn.engine.config import fit_to_data
from mlgcn.models.fuse import _FoldedBottleneck, fuse
from mlgcn.registry import MODELS

CONFIGS = DATA.parent.parent / 'configs'


@pytest.mark.parametrize(
    'name', ['addgcn/addgcn_scenes', 'gkgnet/gkgnet_scenes', 'baseline/linear_scenes']
)
def test_the_logits_stay(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    fit_to_data(cfg, list('abcdefg'))
    init_default_scope('mmpretrain')
    torch.manual_seed(0)
    model = _as_trained(MODELS.build(cfg.model))
    images = torch.randn(2, 3, 96, 96)
    before = sum(isinstance(m, _BatchNorm) for m in model.modules())
    with torch.no_grad():
        expected = model(images, mode='tensor')
        logits = fuse(model)(images, mode='tensor')
    assert sum(isinstance(m, _BatchNorm) for m in model.modules()) < before / 2
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-4 * float(expected.std()))


@pytest.mark.parametrize(
    'name', ['tf_efficientnet_lite0', 'resnetv2_50', 'regnety_002', 'tresnet_m']
)
def test_the_activations_in_norms_of_timm_stay(name):
    torch.manual_seed(0)
    model = _as_trained(timm.create_model(name))
    images = torch.randn(1, 3, 64, 64)
    before = sum(isinstance(m, _BatchNorm) for m in model.modules())
    with torch.no_grad():
        expected = model(images)
        logits = fuse(model)(images)
    assert sum(isinstance(m, _BatchNorm) for m in model.modules()) < 0.6 * before
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-4 * float(expected.std()))


def test_a_norm_that_may_compute_more_is_refused():
    class ScaledNorm(torch.nn.BatchNorm2d):
        pass

    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), ScaledNorm(2)).eval()
    with pytest.raises(ValueError, match='1 is a ScaledNorm'):
        fuse(model)


def test_a_norm_of_another_layer_is_refused():
    layers = torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(3)
    with pytest.raises(ValueError, match='cannot be folded'):
        fuse(torch.nn.Sequential(*layers).eval())


@pytest.mark.parametrize('size', [(64, 96), (97, 130)])
def test_residual_blocks_keep_every_stage(size):
    torch.manual_seed(0)
    model = _as_trained(ResNet(50, out_indices=(0, 1, 2, 3)))
    images = torch.randn(2, 3, *size)
    with torch.no_grad():
        expected = model(images)
        fused = fuse(model)
        stages = fused(images)
    assert sum(isinstance(m, _FoldedBottleneck) for m in fused.modules()) == 16
    assert sum(hasattr(m, 'filters') for m in fused.modules()) == 7  # all with stride 1
    for stage, wanted in zip(stages, expected, strict=True):
        torch.testing.assert_close(stage, wanted, rtol=0, atol=1e-5 * float(wanted.std()))
    gradients = [_gradient(network, images) for network in (fused, copy.deepcopy(fused).double())]
    torch.testing.assert_close(gradients[0], gradients[1].float(), rtol=0, atol=1e-4)


def test_a_block_of_other_convolutions_stays_as_it_is():
    class Doubled(torch.nn.Conv2d):
        def forward(self, x):
            return 2 * super().forward(x)

    model = _as_trained(Bottleneck(8, 8))
    model.conv2.__class__ = Doubled
    assert type(fuse(model)) is Bottleneck


def _as_trained(model: torch.nn.Module) -> torch.nn.Module:
    for norm in model.modules():
        if isinstance(norm, _BatchNorm):  # statistics as after a training
            norm.running_mean.normal_(0, 0.1)
            norm.running_var.uniform_(0.5, 1.5)
    model.eval()
    return model


def _gradient(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    images = images.detach().to(next(model.parameters()).dtype).requires_grad_()
    model(images)[-1].mean().backward()
    return images.grad


def test_a_model_in_training_mode_is_refused():
    with pytest.raises(ValueError, match='training mode'):
        fuse(torch.nn.Conv2d(1, 1, 1))
