"""LabelGraphNeck: shapes, its graph by hand, edges, other backbones, errors."""

import pytest
import torch
from mmpretrain.registry import MODELS

from mlgcn.models.necks import LabelGraphNeck
from mlgcn.ops.knn import group_knn_plain

BACKBONES = {
    'ResNet': (dict(type='ResNet', depth=18, base_channels=8, stem_channels=8), (8, 16, 32, 64)),
    'Swin': (
        dict(
            type='SwinTransformer',
            arch=dict(embed_dims=8, depths=[2] * 4, num_heads=[1] * 4),
            pad_small_map=True,
        ),
        (8, 16, 32, 64),
    ),
    'ConvNeXt': (
        dict(
            type='ConvNeXt',
            arch=dict(depths=[1] * 4, channels=[8, 16, 24, 32]),
            gap_before_final_norm=False,
        ),
        (8, 16, 24, 32),
    ),
    'TIMM': (
        dict(type='TIMMBackbone', model_name='test_resnet', features_only=True),
        (32, 32, 48, 192, 96),
    ),
}


def maps(*shapes, batch=2):
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(batch, *shape, generator=generator) for shape in shapes)


@pytest.mark.parametrize('num_classes', [1, 80, 1000])
@pytest.mark.parametrize('batch', [1, 2])
def test_shapes_and_a_gradient_to_every_parameter(num_classes, batch):
    neck = LabelGraphNeck((8, 12), num_classes, k=4)
    inputs = maps((8, 6, 4), (12, 3, 3), batch=batch)
    labels, pooled = neck.train(num_classes * batch > 1)(inputs)
    assert labels.shape == (batch, num_classes, 12)
    torch.testing.assert_close(pooled, inputs[1].mean(dim=(2, 3)))
    labels.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in neck.parameters())


def test_edges_are_the_nearest_patches_of_the_transformed_labels():
    neck = LabelGraphNeck((8, 12), num_classes=5, k=3, num_groups=2).eval()
    inputs = maps((8, 4, 4), (12, 3, 3))
    with torch.no_grad():
        labels, pooled, edges = neck(inputs, return_edges=True)
        same = neck(inputs)
        nodes = neck.stages[0].blocks[0].grapher.fc1(neck.labels.weight.T.expand(2, -1, -1))
    assert torch.equal(labels, same[0]) and torch.equal(pooled, same[1])
    assert [e.shape for e in edges] == [(2, 2, 5, 3), (2, 2, 5, 3)]
    assert torch.equal(edges[0], group_knn_plain(nodes, inputs[0], 3, groups=2))


def test_two_label_graphs_in_the_last_stage():
    neck = LabelGraphNeck((8, 12), num_classes=5, k=3, num_gcn=2)
    assert [len(stage.blocks) for stage in neck.stages] == [1, 2]
    labels, _, edges = neck(maps((8, 4, 4), (12, 3, 3)), return_edges=True)
    assert labels.shape == (2, 5, 12)
    assert len(edges) == 2


def test_drop_path_rates_are_those_of_the_stages():
    neck = LabelGraphNeck((8, 12), num_classes=5, drop_path_rates=(0.0, 0.3))
    for stage, rate in zip(neck.stages, (0.0, 0.3)):
        for block in stage.blocks:
            assert block.grapher.drop_path.drop_prob == block.ffn.drop_path.drop_prob == rate


def test_initialisation_is_the_published_one():
    neck = LabelGraphNeck((64, 128), num_classes=500)
    neck.init_weights()
    conv = neck.stages[1].blocks[0].ffn.fc1[0]
    assert conv.weight.std().item() == pytest.approx((2 / 128) ** 0.5, rel=0.05)
    assert not conv.bias.any()
    assert neck.labels.weight.std().item() == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize('name', BACKBONES)
def test_works_on_the_stage_maps_of_other_backbones(name):
    config, channels = BACKBONES[name]
    if name != 'TIMM':
        config = dict(config, out_indices=(0, 1, 2, 3))
    backbone = MODELS.build(config)
    backbone.eval()
    neck = LabelGraphNeck(channels, num_classes=4, k=4).eval()
    with torch.no_grad():
        labels, pooled = neck(backbone(torch.randn(2, 3, 96, 64)))
    assert labels.shape == (2, 4, channels[-1])
    assert pooled.shape == (2, channels[-1])


@pytest.mark.parametrize(('shapes', 'facts'), [
    ([(8, 4, 4)], r'in_channels=\(8, 12\), got \[\(8, 4, 4\)\]'),
    ([(8,), (12,)], r'got \[\(8,\), \(12,\)\]'),
    ([(8, 4, 4), (12, 2, 2)], 'map 1 of 2 x 2 patches has fewer than k = 5'),
])  # fmt: skip
def test_maps_that_do_not_fit_are_named(shapes, facts):
    with pytest.raises(ValueError, match=facts):
        LabelGraphNeck((8, 12), num_classes=5, k=5)(maps(*shapes))


@pytest.mark.parametrize(('options', 'facts'), [
    (dict(num_groups=3), 'num_groups = 3 does not divide channels = 8'),
    (dict(drop_path_rates=(0.0, 0.1, 0.2)), '2 in_channels need as many drop_path_rates, got 3'),
])  # fmt: skip
def test_options_that_do_not_fit_are_named(options, facts):
    with pytest.raises(ValueError, match=facts):
        LabelGraphNeck((8, 12), num_classes=5, **options)
