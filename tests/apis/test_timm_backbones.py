"""Other backbones of timm under a head's recipe: options that make a model that runs."""

import pytest
import timm
import torch
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS

from mlgcn.apis.candidates import HEADS, Candidate
from mlgcn.apis.timm_backbones import backbone_options, stages_before_last
from mlgcn.engine.config import ConfigError, fit_to_data

GIVEN = {'own.train': 'a.csv', 'own.val': 'b.csv'}


@pytest.mark.parametrize('name, count, stages', [
    ('tf_efficientnet_lite0', 1, (3,)),
    ('tf_efficientnet_lite0', 2, (2, 3)),
    ('resnet18', 1, (3,)),
    ('convnext_tiny.fb_in22k', 1, (2,)),
    ('swin_tiny_patch4_window7_224', 0, ()),
    ('vit_small_patch14_reg4_dinov2.lvd142m', 1, (8,)),
    ('vit_small_patch14_reg4_dinov2.lvd142m', 2, (7, 9)),
])  # fmt: skip
def test_stages_next_to_the_last_in_resolution(name, count, stages):
    found = stages_before_last(name, count)
    assert found == stages and all(type(index) is int for index in found)


def test_options_of_weights_and_pixels():
    options = backbone_options('vit_base_patch16_siglip_224.v2_webli=a.pth', 1, 320)
    assert options['model.backbone.img_size'] == 320
    assert options['model.backbone.init_cfg.checkpoint'] == 'a.pth'
    assert options['model.backbone.pretrained'] is False
    assert options['data_preprocessor.mean'] == [127.5, 127.5, 127.5]
    fetched = backbone_options('resnet18', 1, 224)
    assert fetched['model.backbone.pretrained'] is True
    assert fetched['model.backbone.init_cfg'] is None and 'model.backbone.img_size' not in fetched


@pytest.mark.parametrize('name, count, word', [
    ('resnet81', 1, 'resnet18'), ('convnext_tiny', 4, '3 stages.*4')
])  # fmt: skip
def test_what_timm_lacks_is_refused(name, count, word):
    with pytest.raises(ConfigError, match=word):
        backbone_options(name, count, 320)


@pytest.mark.parametrize('head', HEADS)
def test_channels_of_every_head_follow_the_backbone(head):
    candidate = Candidate.of(head, 64, 'recipe', GIVEN, 'resnet10t=weights.pth')
    assert candidate.name == f'{head} resnet10t 64' and candidate.features == 'resnet10t 64'
    cfg = candidate.cfg()
    cfg.model.backbone.init_cfg = None
    if head == 'gkgnet':
        cfg.model.neck.k = 2  # 2 x 2 patches in the last map
    fit_to_data(cfg, ['a', 'b', 'c'])
    init_default_scope('mmpretrain')
    model = MODELS.build(cfg.model).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 3)


def test_a_transformer_is_built_for_the_size():
    candidate = Candidate.of('addgcn', 64, 'recipe', GIVEN, 'vit_tiny_patch16_224=weights.pth')
    cfg = candidate.cfg()
    assert not timm.get_pretrained_cfg('resnet10t').fixed_input_size
    cfg.model.backbone.init_cfg = None
    fit_to_data(cfg, ['a', 'b', 'c'])
    assert cfg.model.head.in_channels == 2 * 192
