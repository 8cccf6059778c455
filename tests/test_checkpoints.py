"""Published weights under our names and back."""

import json

import numpy as np
import pytest
import torch
from fill import fill_, make_input
from mmengine.runner.checkpoint import CheckpointLoader, load_checkpoint
from mmpretrain.models import ResNet
from models.gkgnet_cases import build as build_gkgnet
from models.test_add_gcn import build as build_addgcn
from paths import DATA
from published import published_file, published_weights

from mlgcn.checkpoints import (
    CheckpointError,
    check_classes,
    check_finite,
    convert,
    describe,
    detect,
    fingerprint,
    implied_classes,
    make_passport,
    published_key,
    save_weights,
    to_published,
    unwrap,
)
from mlgcn.checkpoints.loading import load
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


def test_torchvision_names_are_the_backbones():
    torchvision = pytest.importorskip('torchvision')
    weights, own = torchvision.models.resnet18().state_dict(), ResNet(18).state_dict()
    assert detect(weights) == 'torchvision'
    ours = convert(weights, 'torchvision')
    assert {k.removeprefix('backbone.'): v.shape for k, v in ours.items()} == {
        k: v.shape for k, v in own.items()
    }


@pytest.mark.parametrize('prefix', ['', 'module.', 'model.', 'module.model.'])
@pytest.mark.parametrize('wrapper', [None, 'state_dict', 'state_dict_ema'])
def test_wrappers_are_taken_off(prefix, wrapper):
    weights = {f'{prefix}{key}': torch.zeros(2) for key in ('fc.weight', 'fc.bias')}
    file = {'epoch': 3, wrapper: weights} if wrapper else weights
    assert list(unwrap(file)) == ['fc.weight', 'fc.bias']


@pytest.mark.parametrize('source', ['addgcn', 'gkgnet', 'pvig', 'torchvision', 'mmpretrain'])
def test_unknown_entries_are_listed(source):
    weights = {'fc.scale': torch.zeros(1), 'features.4.0.conv9.weight': torch.zeros(1)}
    with pytest.raises(CheckpointError, match=r'2 entries .*: fc.scale, features.4.0.conv9.weight'):
        convert(weights, source)


@pytest.mark.parametrize(
    'content, words',
    [
        ([1, 2], 'found a list'),
        ({}, 'an empty dict'),
        ({'state_dict': {'a': 3}}, 'found a'),
        ({1: torch.zeros(1)}, 'found 1'),
    ],
)
def test_what_is_no_state_dict_is_refused(content, words):
    with pytest.raises(CheckpointError, match=words):
        unwrap(content)


def test_only_the_two_systems_have_a_published_form():
    with pytest.raises(CheckpointError, match="got 'pvig'"):
        to_published({'a': torch.zeros(1)}, 'pvig')
    with pytest.raises(CheckpointError, match=r'head.fc.bias'):
        to_published({'head.other.bias': torch.zeros(1), 'head.fc.bias9': torch.zeros(1)}, 'addgcn')


def test_not_finite_values_are_named():
    weights = {'good': torch.ones(2), 'bad': torch.tensor([1.0, float('nan')])}
    with pytest.raises(CheckpointError, match='w.pth: NaN or infinite values in bad'):
        check_finite(weights, 'w.pth')


def test_implied_class_order():
    data = json.loads((DATA / 'data.json').read_text())
    assert list(implied_classes('addgcn', 80)) == data['classes_addgcn_sorted']
    assert list(implied_classes('gkgnet', 80)) == data['classes_gkgnet']
    assert list(implied_classes('addgcn', 20)) == data['voc_classes_addgcn']
    assert implied_classes('gkgnet', 7) is implied_classes('torchvision', 80) is None


@pytest.mark.parametrize('source, order', [('addgcn', 'name'), ('gkgnet', 'id')])
def test_class_order_is_checked_against_the_data(source, order):
    data = json.loads((DATA / 'data.json').read_text())
    key = 'head.fc.weight' if source == 'addgcn' else 'neck.labels.weight'
    checkpoint = dict(meta=dict(source=source), state_dict={key: torch.zeros(80, 4)})
    right, wrong = data['classes_addgcn_sorted'], data['classes_gkgnet']
    if source == 'gkgnet':
        right, wrong = wrong, right
    check_classes('w.pth', checkpoint, right)
    with pytest.raises(
        CheckpointError, match=f"ordered by {order}: class 0 .*class_order='{order}'"
    ):
        check_classes('w.pth', checkpoint, wrong)
    with pytest.raises(CheckpointError, match='for 80 classes, but the data has 3'):
        check_classes('w.pth', checkpoint, ['a', 'b', 'c'])
    check_classes('ours.pth', dict(meta={}, state_dict={}), ['b', 'a'])


def test_own_classes_of_addgcn_must_be_sorted():
    checkpoint = dict(meta=dict(source='addgcn'), state_dict={'head.fc.weight': torch.zeros(2, 4)})
    check_classes('w.pth', checkpoint, ['box', 'ring'])
    with pytest.raises(CheckpointError, match="class 0 is 'box', but in the data it is 'ring'"):
        check_classes('w.pth', checkpoint, ['ring', 'box'])


def test_descriptions(published):
    name, source, weights = published
    told = describe(weights)
    if source == 'addgcn':
        assert told['model'] == ('ResNet-101' if 'r101' in name else 'ResNet-50')
    else:
        assert told['model'] == 'Pyramid ViG, arch t'
        assert told['built for'].startswith('128 x 128' if '128' in name else '224 x 224')
    assert told['classes'].split(',')[0] == name.split('_c')[1].split('_')[0]
    assert describe({'a.b': torch.zeros(1)}) == {'kind': describe({'c': torch.zeros(1)})['kind']}


def test_fingerprint_is_of_names_types_shapes_and_values():
    weights = {'a': torch.arange(4.0), 'b': torch.tensor(3)}
    first = fingerprint(weights)
    assert first == fingerprint(dict(reversed(weights.items())))
    assert first != fingerprint({**weights, 'b': torch.tensor(4)})
    assert first != fingerprint({**weights, 'a': torch.arange(4.0).reshape(2, 2)})
    assert first != fingerprint({**weights, 'a': torch.arange(4.0).double()})
    assert first != fingerprint({'a': weights['a'], 'c': weights['b']})


@pytest.mark.parametrize('suffix', ['.safetensors', '.pth'])
def test_weights_and_passport_come_back(tmp_path, suffix):
    weights = {'backbone.w': torch.randn(2, 3).T, 'head.n': torch.tensor(7)}
    passport = make_passport(weights, ('cat', 'dog'), 'Free.', metrics=None)
    save_weights(tmp_path / f'a{suffix}', weights, passport)
    loaded = load(tmp_path / f'a{suffix}', 'cpu')
    assert loaded['meta']['passport'] == passport
    assert loaded['meta']['dataset_meta'] == {'classes': ('cat', 'dog')}
    assert fingerprint(loaded['state_dict']) == passport['sha256'] == fingerprint(weights)
    with pytest.raises(FileExistsError, match='exists already'):
        save_weights(tmp_path / f'a{suffix}', weights, passport)
    with pytest.raises(CheckpointError, match=r'.safetensors or .pth'):
        save_weights(tmp_path / 'a.bin', weights, passport)


@pytest.mark.parametrize(
    'name, keys',
    [
        ('gkgnet_t_128_g1_c7_k5', 'gkgnet_t_128_g1_c7_k5'),
        pytest.param('gkgnet_t_224_g2_c20', 'gkgnet_t_224_g2_c20', marks=pytest.mark.slow),
        ('addgcn_r50_c80_224', 'addgcn_r50_c80'),
        pytest.param('addgcn_r101_c20_128', 'addgcn_r101_c20', marks=pytest.mark.slow),
    ],
)
def test_published_files_score_as_published(tmp_path, name, keys):
    """Saved as their authors did, loaded as the tools do."""
    case = json.loads((DATA / f'{name}.json').read_text())['case']
    source = name[:6]
    path = published_file(tmp_path / 'p.pth', source, published_weights(keys, case))
    assert CheckpointLoader.load_checkpoint(str(path))['meta'] == dict(source=source)
    model = model_of(keys)
    load_checkpoint(model, str(path), strict=True)
    images = make_input(case['name'], (case['batch'], 3, case['size'], case['size']), case['salt'])
    with torch.no_grad():
        logits = model.double().eval()(images.double())
    file = np.load(DATA / f'{name}.npz')
    expected = (
        (file['eval_out1'] + file['eval_out2']) / 2 if source == 'addgcn' else file['eval_score']
    )
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-9)
