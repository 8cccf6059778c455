"""Published weights under our names and back."""

import re

import numpy as np
import pytest
import torch
from checkpoints.peer_files import HEADS, PEERS, tresnet_case, write_peer_file
from fill import fill_, make_input, make_target
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from models.gkgnet_cases import build as build_gkgnet
from models.test_add_gcn import build as build_addgcn
from published import published_weights

from mlgcn.checkpoints import (
    CheckpointError,
    convert,
    detect,
    load,
    published_key,
    to_published,
)
from mlgcn.checkpoints.recognise import tresnet_of
from mlgcn.cli import execute
from mlgcn.models.backbones import PyramidViG

LISTS = ['addgcn_r50_c80', 'gkgnet_t_128_g1_c7_k5', 'gkgnet_t_224_g2_c20']


def model_of(name, case=None):
    """The model that the key list `name` belongs to, with weights of its own."""
    if name.startswith('addgcn'):
        arch = dict(depth=101, num_classes=20) if 'r101' in name else dict(depth=50, num_classes=80)
        return build_addgcn(arch)
    size, groups, classes, k = (128, 1, 7, 5) if '128' in name else (224, 2, 20, 9)
    return build_gkgnet('t', size, classes, groups, k)


@pytest.fixture(scope='module', params=LISTS)
def published(request):
    return request.param, request.param[:6], published_weights(request.param)


def test_conversion_gives_exactly_our_entries(published):
    name, source, weights = published
    assert detect(weights) == source
    own = model_of(name).state_dict()
    ours = convert(weights, source)
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in own.items()}
    assert {published_key(key, source) for key in ours} <= set(weights)
    assert len(weights) - len(ours) == (1 if source == 'addgcn' else 12)
    assert not any('relative_pos' in key or 'mask_mat' in key for key in own)


@pytest.mark.parametrize('name', ['addgcn_r50_c80', 'gkgnet_t_128_g1_c7_k5'])
def test_round_trips_are_exact(name):
    weights = published_weights(name, dict(salt=3, gains=()))
    source = name[:6]
    ours = convert(weights, source)
    back = to_published(ours, source)
    assert {k: (v.shape, v.dtype) for k, v in back.items()} == {
        k: (v.shape, v.dtype) for k, v in weights.items()
    }
    for key, value in weights.items():
        assert key.endswith('relative_pos') or torch.equal(back[key], value), key
    again = convert(back, source)
    assert all(torch.equal(again[key], value) for key, value in ours.items())


def test_tables_of_positions_are_made_again_for_the_published_model():
    weights = published_weights('gkgnet_t_128_g1_c7_k5')
    back = to_published(convert(weights, 'gkgnet'), 'gkgnet')
    with torch.device('meta'):
        model = model_of('gkgnet_t_128_g1_c7_k5')
    for key, stage in (('0', 0), ('4', 1), ('6', 2), ('14', 3)):
        table = back[f'backbone.backbone.{key}.0.relative_pos']
        own = model.backbone.stages[stage].relative_position(*table.shape[1:], torch.device('cpu'))
        assert torch.equal(table[0], own[0 : len(own[0 : table.shape[1]])])


def test_blocks_of_deeper_archs_are_counted():
    """Pyramid ViG m has 16 blocks in stage 2: its last stage starts at 23, not at 13."""
    names = [f'backbone.{i}.conv.0.weight' for i in (2, 5, 22)]
    names += [
        'backbone.0.1.fc1.0.bias',
        'backbone.21.0.fc2.1.running_var',
        'backbone.24.0.fc1.0.bias',
    ]
    ours = list(convert({name: torch.zeros(1) for name in names}, 'pvig'))
    assert ours[2:] == [
        'backbone.stages.3.downsample.0.weight',
        'backbone.stages.0.blocks.0.ffn.fc1.0.bias',
        'backbone.stages.2.blocks.15.grapher.fc2.1.running_var',
        'backbone.stages.3.blocks.1.grapher.fc1.0.bias',
    ]
    key = 'backbone.stages.3.blocks.1.grapher.fc1.0.bias'
    assert published_key(key, 'gkgnet', (2, 2, 16, 2)) == 'backbone.backbone.24.0.fc1.0.bias'
    assert published_key(key, 'gkgnet') == 'backbone.backbone.14.0.fc1.0.bias'


def pvig_weights():
    """The published Pyramid ViG t at 224, with its classifier of ImageNet."""
    weights = published_weights('gkgnet_t_224_g2_c20', dict(salt=0, gains=()))
    own = ('label_lt', 'gcn_label', 'ffn_label')
    pvig = {
        key.removeprefix('backbone.'): value
        for key, value in weights.items()
        if key.startswith('backbone.') and not key.removeprefix('backbone.').startswith(own)
    }
    return {**pvig, 'prediction.0.weight': torch.zeros(1024, 384, 1, 1)}


def test_pyramid_vig_fills_the_backbone(tmp_path):
    weights = pvig_weights()
    assert detect(weights) == 'pvig'
    torch.save(weights, tmp_path / 'pvig_t.pth.tar')
    init = dict(type='Pretrained', checkpoint=str(tmp_path / 'pvig_t.pth.tar'))
    backbone = PyramidViG('t', img_size=224, init_cfg=init)
    backbone.init_weights()
    expected = {f'backbone.{k}': v for k, v in backbone.state_dict().items()}
    ours = convert(weights, 'pvig')
    assert ours.keys() == expected.keys()
    assert all(torch.equal(ours[key], value) for key, value in expected.items())


@pytest.mark.parametrize('policy', ['interpolate', 'keep'])
def test_position_embedding_of_another_size_by_policy(tmp_path, policy):
    weights = pvig_weights()
    torch.save(weights, tmp_path / 'p.pth')
    init = dict(type='Pretrained', checkpoint=str(tmp_path / 'p.pth'), pos_embed=policy)
    backbone = PyramidViG('t', img_size=192, init_cfg=init)
    backbone.init_weights()
    expected = torch.zeros(1, 48, 48, 48)
    if policy == 'interpolate':
        expected = torch.nn.functional.interpolate(weights['pos_embed'], (48, 48), mode='bicubic')
    assert torch.equal(backbone.pos_embed, expected)


def test_mmpretrains_pyramid_vig_computes_the_same():
    from mmpretrain.models.backbones.vig import PyramidVig

    theirs = fill_(PyramidVig('tiny', k=9, out_indices=[0, 1, 2, 3]))
    theirs.eval()
    weights = {f'backbone.{key}': value for key, value in theirs.state_dict().items()}
    weights['head.fc2.bias'] = torch.zeros(1000)
    assert detect(weights) == 'mmpretrain'
    ours = PyramidViG('t', num_groups=1, img_size=224, out_indices=(0, 1, 2, 3)).eval()
    converted = convert(weights, 'mmpretrain')
    ours.load_state_dict({k.removeprefix('backbone.'): v for k, v in converted.items()})
    images = make_input('mmpretrain', (1, 3, 224, 224))
    with torch.no_grad():
        expected = theirs.double()(images.double())
        for mine, wanted in zip(ours.double()(images.double()), expected):
            assert torch.allclose(mine, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize('source', ['addgcn', 'gkgnet', 'pvig', 'torchvision', 'mmpretrain'])
def test_unknown_entries_are_listed(source):
    weights = {'fc.scale': torch.zeros(1), 'features.4.0.conv9.weight': torch.zeros(1)}
    with pytest.raises(CheckpointError, match=r'2 entries .*: fc.scale, features.4.0.conv9.weight'):
        convert(weights, source)


def test_only_the_two_systems_have_a_published_form():
    with pytest.raises(CheckpointError, match="got 'pvig'"):
        to_published({'a': torch.zeros(1)}, 'pvig')
    with pytest.raises(CheckpointError, match=r'head.fc.bias'):
        to_published({'head.other.bias': torch.zeros(1), 'head.fc.bias9': torch.zeros(1)}, 'addgcn')


def tresnet_model(source, classes, backbone, **head):
    if source == 'asl':
        head |= dict(type='mlgcn.LinearHead', pool='avg', mean_over_classes=True)
    else:
        head |= dict(type='mlgcn.MLDecoderHead', dropout=0.0, mean_over_classes=True)
    return ImageClassifier(
        backbone=dict(type='mlgcn.TIMMBackbone', **backbone),
        head=dict(num_classes=classes, in_channels=2048, **head),
    )


@pytest.mark.parametrize(
    ('name', 'source'),
    [('tresnet_m_asl_k12_96x64', 'asl'), ('tresnet_m_mldecoder_k12_64', 'ml_decoder')],
)
def test_tresnets_equal_the_published_models(name, source):
    fixture, published = tresnet_case(name)
    case = fixture['case']
    assert detect(published) == source
    ours = convert(published, source)
    model = tresnet_model(source, case['arch']['num_classes'], tresnet_of(ours))
    model.double().load_state_dict(ours)
    model.eval()
    images = make_input(name, case['in_shape'], case['salt']).double()
    with torch.no_grad():
        logits = model(images)
    expected = np.load(PEERS / f'{name}.npz')['eval_logits']
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-9)

    target = make_target(name, expected.shape, case['salt'], p=case['p'])
    loss = model.train().loss(images, [DataSample().set_gt_score(row) for row in target])['loss']
    np.testing.assert_allclose(loss.item(), fixture['train']['loss'], rtol=1e-8)
    loss.backward()
    grads = {key: p.grad for key, p in model.named_parameters()}
    assert all(grad is not None for grad in grads.values())
    # the fixture names gradients as the published entries; a norm's is that of ours
    zeros = {key: torch.full_like(grad, 2e-5) for key, grad in grads.items()}
    renamed = dict(zip(to_published(zeros, source), grads.values()))
    norms = {key: grad.norm().item() for key, grad in renamed.items()}
    for key, norm in fixture['train']['grad_norm'].items():
        if key in norms:
            np.testing.assert_allclose(norms[key], norm, rtol=1e-8, err_msg=key)
    for group, norm in fixture['train']['grad_norm']['groups'].items():
        part = [value**2 for key, value in norms.items() if key.startswith(f'{group}.')]
        np.testing.assert_allclose(sum(part) ** 0.5, norm, rtol=1e-8, err_msg=group)


def test_tresnets_go_back_under_their_published_names():
    _, published = tresnet_case('tresnet_m_asl_k12_96x64')
    back = to_published(convert(published, 'asl'), 'asl')
    assert list(back) == list(published) or set(back) == set(published)
    again = convert(back, 'asl')
    for key, value in convert(published, 'asl').items():
        torch.testing.assert_close(again[key], value)
    negative = {**convert(published, 'asl')}
    norm = 'backbone.timm_model.body.conv1.bn.weight'
    negative[norm] = -negative[norm]
    with pytest.raises(CheckpointError, match=re.escape(norm) + '.* InPlaceABN'):
        to_published(negative, 'asl')


@pytest.mark.parametrize('source', HEADS)
def test_mlgcn_convert_goes_both_ways(source, tmp_path, capsys):
    path, model, _ = write_peer_file(tmp_path, source)
    vectors = []
    if source == 'ml_gcn':
        np.save(tmp_path / 'v.npy', model.head.embeddings.numpy())
        vectors = ['--embeddings', str(tmp_path / 'v.npy')]
    execute('convert', [str(path), str(tmp_path / 'ours.safetensors'), *vectors])
    ours = load(tmp_path / 'ours.safetensors')
    assert ours.source == source
    ours.check_fits(model)
    execute(
        'convert', [str(tmp_path / 'ours.safetensors'), str(tmp_path / 'b.pth'), '--to', source]
    )
    back = load(tmp_path / 'b.pth', published_names=True)
    before = load(path, published_names=True)
    assert back.weights.keys() == before.weights.keys()
    assert all(torch.equal(value, before.weights[key]) for key, value in back.weights.items())
    execute('describe', [str(path)])
    assert 'as published' in (text := capsys.readouterr().out) or 'training script' in text
    if source == 'ml_decoder':  # the names that the file lists go with it
        assert ours.stated_classes == ('a', 'b', 'c') and '3: a, b, c' in text


def test_two_heads_in_one_file_are_refused():
    weights = {f'{at}.decoder.duplicate_pooling_bias': torch.zeros(3) for at in ('head', 'fc')}
    with pytest.raises(CheckpointError, match='fc.decoder.* and another entry stand for head.bias'):
        convert(weights, 'ml_decoder')


def test_single_names():
    assert published_key('head.fc.weight', 'query2label') == 'fc.W'
    assert published_key('backbone.layer4.2.bn3.bias', 'ctran') == (
        'backbone.base_network.layer4.2.bn3.bias'
    )
    with pytest.raises(KeyError, match='head.embeddings.*ml_gcn'):
        published_key('head.embeddings', 'ml_gcn')
