"""PyramidViG: sizes, tables, freezing, checkpointing, errors."""

import copy

import pytest
import torch
from mmpretrain.structures import DataSample
from models.gkgnet_cases import build

from mlgcn.models.backbones import PyramidViG
from mlgcn.ops.relative_pos import SeparableTable


def images(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def samples(batch, num_classes):
    target = torch.rand(batch, num_classes, generator=torch.Generator().manual_seed(0)) < 0.3
    return [DataSample().set_gt_score(row.float()) for row in target]


@pytest.mark.parametrize('arch, channels', [('t', (48, 96, 240, 384)), ('m', (96, 192, 384, 768))])
def test_stage_maps(arch, channels):
    backbone = PyramidViG(arch, k=1, img_size=96, out_indices=(0, 1, 2, 3)).eval()
    with torch.no_grad():
        maps = backbone(images(1, 3, 96, 128))
    assert [m.shape[1:] for m in maps] == [(c, 24 >> i, 32 >> i) for i, c in enumerate(channels)]


def test_blocks_of_the_architectures():
    dilations = {'t': [1] * 4 + [2] * 4 + [3] * 4, 'b': [b // 4 + 1 for b in range(20)] + [5] * 4}
    for arch, expected in dilations.items():
        with torch.device('meta'):
            backbone = PyramidViG(arch, drop_path_rate=0.1)
        blocks = [block for stage in backbone.stages for block in stage.blocks]
        assert [block.grapher.dilation for block in blocks] == expected
        assert blocks[0].grapher.drop_path.drop_prob == 0
        assert blocks[-1].ffn.drop_path.drop_prob == pytest.approx(0.1)


@pytest.mark.parametrize('size', [(640, 480), (320, 576), (208, 208), (230, 187)])
def test_other_sizes_than_the_built_one(size):
    backbone = PyramidViG('t', img_size=256, out_indices=(0, 3)).eval()
    with torch.no_grad():
        first, last = backbone(images(1, 3, *size))
    assert first.shape[2:] == tuple(-(-s // 4) for s in size)
    assert last.shape[2:] == tuple(-(-s // 32) for s in size)
    assert last.isfinite().all()


def test_position_embedding_is_resized_to_the_input():
    backbone = PyramidViG('t', k=3, img_size=64, out_indices=(0,)).eval()
    torch.nn.init.constant_(backbone.pos_embed, 0.5)  # a constant stays one when it is resized
    other = PyramidViG('t', k=3, img_size=96, out_indices=(0,)).eval()
    other.load_state_dict({**backbone.state_dict(), 'pos_embed': torch.full((1, 48, 24, 24), 0.5)})
    backbone.stages[0].relative_position = other.stages[0].relative_position
    with torch.no_grad():
        torch.testing.assert_close(*(model(images(1, 3, 96, 96))[0] for model in (backbone, other)))


def test_table_is_computed_once_and_never_stored():
    backbone = PyramidViG('t', img_size=192)
    assert not any('relative' in key for key in backbone.state_dict())
    stage = backbone.stages[1]
    table = stage.relative_position(24 * 24, 12 * 12, torch.device('cpu'))
    assert isinstance(table, SeparableTable)
    assert stage.relative_position(24 * 24, 12 * 12, torch.device('cpu')) is table
    other = stage.relative_position(20 * 28, 10 * 14, torch.device('cpu'))
    assert other.shape == (560, 140)


def test_images_that_are_too_small_are_named():
    backbone = PyramidViG('t', img_size=192)
    message = r'stage 3 25 keys, .* 9 \* 3 = 27; 161 x 161 pixels'
    with pytest.raises(ValueError, match=message):
        backbone(images(1, 3, 160, 160))
    with torch.no_grad():
        backbone.eval()(images(1, 3, 161, 161))


def test_unknown_arch_and_groups_are_named():
    with pytest.raises(ValueError, match="one of .'b', 'm', 's', 't'., got 'tiny'"):
        PyramidViG('tiny')
    with pytest.raises(ValueError, match='num_groups = 5 does not divide channels = 48'):
        PyramidViG('t', num_groups=5)


def test_frozen_stages():
    backbone = PyramidViG('t', k=3, img_size=96, frozen_stages=2).train()
    frozen = [backbone.stem, backbone.stages[0], backbone.stages[1]]
    assert not any(p.requires_grad for module in frozen for p in module.parameters())
    assert not any(module.training for part in frozen for module in part.modules())
    assert not backbone.pos_embed.requires_grad
    assert all(p.requires_grad for p in backbone.stages[2].parameters())
    statistics = backbone.stem[1].running_mean.clone()
    backbone(images(2, 3, 96, 96))[0].sum().backward()
    assert torch.equal(backbone.stem[1].running_mean, statistics)


def test_initialisation_is_the_published_one():
    backbone = PyramidViG('t')
    backbone.init_weights()
    conv = backbone.stages[3].blocks[0].ffn.fc1[0]
    assert conv.weight.std().item() == pytest.approx((2 / 384) ** 0.5, rel=0.02)
    assert not conv.bias.any()
    assert not backbone.pos_embed.any()


def test_checkpointing_changes_neither_gradients_nor_statistics():
    plain = build('t', 96, 5, k=3, drop_path_rate=0.2).train()
    lean = build('t', 96, 5, k=3, drop_path_rate=0.2, with_cp=True).train()
    lean.load_state_dict(plain.state_dict())
    states = []
    for model in (plain, lean):
        torch.manual_seed(0)
        sum(model.loss(images(2, 3, 96, 96), samples(2, 5)).values()).backward()
        grads = {f'{k}.grad': p.grad for k, p in model.named_parameters()}
        states.append({**model.state_dict(), **grads})
    for key, value in states[0].items():
        torch.testing.assert_close(states[1][key], value, rtol=0, atol=0, msg=key)


@pytest.mark.parametrize('num_classes', [1, 80])
def test_bf16_autocast_gives_finite_gradients_to_every_parameter(num_classes):
    model = build('t', 96, num_classes, k=3).train()
    model.init_weights()
    logits = model(images(2, 3, 96, 128))
    with torch.autocast('cpu', torch.bfloat16):
        half = model(images(2, 3, 96, 128))
    half.float().square().sum().backward()
    assert half.shape == logits.shape == (2, num_classes)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_copies_and_other_precisions_keep_working():
    backbone = PyramidViG('t', k=3, img_size=96).eval()
    with torch.no_grad():
        expected = backbone(images(1, 3, 96, 96))[0]
        double = copy.deepcopy(backbone).double()(images(1, 3, 96, 96).double())[0]
    torch.testing.assert_close(double.float(), expected, rtol=1e-3, atol=1e-3)
