"""Published files of the peers: whole models' outputs, every key consumed, both ways."""

import hashlib
import json
import re

import numpy as np
import pytest
import torch
from fill import make_input, make_target, value_for
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from paths import DATA
from tiny_checkpoint import tiny_config

from mlgcn.apis import load_model
from mlgcn.checkpoints import (
    Checkpoint,
    CheckpointError,
    convert,
    describe,
    detect,
    implied_classes,
    load,
    published_key,
    to_published,
    unwrap,
)
from mlgcn.checkpoints.recognise import fit_model, tresnet_of
from mlgcn.cli import execute
from mlgcn.registry import MODELS

PEERS = DATA / 'peers'
COUNTER = 'num_batches_tracked'


def keys_of(name):
    return {k: tuple(shape) for k, shape in json.loads((PEERS / f'keys_{name}.json').read_text())}


def tresnet_case(name):
    """The fixture and its published weights (keys from the lists of other class numbers)."""
    fixture = json.loads((PEERS / f'{name}.json').read_text())
    case = fixture['case']
    classes, body = case['arch']['num_classes'], keys_of('asl_tresnet_m_coco')
    keys = {key: shape for key, shape in body.items() if key.startswith('body.')}
    if case['arch']['head'] == 'fc':
        keys |= {'head.fc.weight': (classes, 2048), 'head.fc.bias': (classes,)}
    else:
        of_80 = keys_of('mldecoder_tresnet_l_coco')
        for key, shape in of_80.items():
            if key.startswith('head.'):
                keys[key] = tuple(classes if size == 80 else size for size in shape)
    weights = {}
    for key, shape in keys.items():
        value = value_for(key, shape, case['salt'], case['gains'])
        # in float64, because |w| + 1e-5 of the batch norms rounds in float32
        weights[key] = torch.tensor(0) if value is None else torch.from_numpy(value).double()
    assert len(weights) == fixture['keys_count']
    return fixture, weights


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


@pytest.mark.parametrize(
    ('name', 'source', 'left_out'),
    [
        ('asl_tresnet_m_coco', 'asl', 0),
        ('mldecoder_tresnet_l_coco', 'ml_decoder', 0),
        ('query2label_r101_448', 'query2label', 1),
        ('query2label_swin_l_384', 'query2label', 1 + 24 + 11),
    ],
)
@pytest.mark.parametrize('wrapper', ['', 'module.', 'model'])
def test_every_published_key_is_consumed(name, source, left_out, wrapper):
    with torch.device('meta'):
        weights = {key: torch.empty(shape) for key, shape in keys_of(name).items()}
    if wrapper == 'module.':
        weights = {wrapper + key: value for key, value in weights.items()}
    file = {'model': weights, 'idx_to_class': {}} if wrapper == 'model' else weights
    assert detect(file) == source
    ours = convert(file, source)
    counters = [key for key in ours if key.endswith(COUNTER)]
    given = [key for key in weights if key.endswith(COUNTER)]
    assert len(ours) - len(counters) == len(weights) - len(given) - left_out
    assert all(key.startswith(('backbone.', 'head.')) for key in ours)
    with pytest.raises(CheckpointError, match='surprise'):
        convert({**unwrap(file), 'surprise': torch.zeros(1)}, source)


INDEX = json.loads((PEERS / 'keys_peers_index.json').read_text())
BLOCK = ('conv1', 'conv2', 'conv3', 'downsample', 'se')


def in_published_order(weights):
    """timm and the published code list the parts of a block in another order."""

    def place(key):
        block = re.match(r'((?:backbone\.0\.body\.)?body\.layer\d\.\d+)\.(\w+)', key)
        return (block[1], BLOCK.index(block[2])) if block else (key.split('.')[0], 0)

    blocks = {}
    for key in weights:
        name, part = place(key)
        blocks.setdefault(name, []).append((part, key))
    return [key for block in blocks.values() for _, key in sorted(block, key=lambda pair: pair[0])]


ASL = dict(type='mlgcn.LinearHead', num_classes=80, pool='avg')
MLD = dict(type='mlgcn.MLDecoderHead', num_classes=80)
XL = dict(model_name='tresnet_v2_l', layers=[3, 8, 34, 5])


@pytest.mark.parametrize(
    ('name', 'source', 'backbone', 'channels', 'head'),
    [
        ('asl_tresnet_m_coco', 'asl', dict(model_name='tresnet_m'), 2048, ASL),
        ('asl_tresnet_l_coco', 'asl', dict(model_name='tresnet_l'), 2432, ASL),
        ('asl_tresnet_xl_coco', 'asl', dict(model_name='tresnet_xl'), 2656, ASL),
        ('asl_tresnet_l_openimages_9605_bottleneck512', 'asl', dict(model_name='tresnet_l'), 2432,
         dict(ASL, num_classes=9605, hidden=512)),
        ('mldecoder_tresnet_m_coco', 'ml_decoder', dict(model_name='tresnet_m'), 2048, MLD),
        ('mldecoder_tresnet_l_coco', 'ml_decoder', dict(model_name='tresnet_v2_l'), 2048, MLD),
        ('mldecoder_tresnet_xl_coco', 'ml_decoder', XL, 2048, MLD),
        ('mldecoder_tresnet_m_openimages_200_groups', 'ml_decoder', dict(model_name='tresnet_m'),
         2048, dict(MLD, num_classes=9605, num_groups=200)),
    ],
)  # fmt: skip
def test_our_models_have_the_published_keys(name, source, backbone, channels, head):
    with torch.device('meta'):
        model = ImageClassifier(
            backbone=dict(type='mlgcn.TIMMBackbone', **backbone),
            head=dict(head, in_channels=channels),
        )
    ours = {key: torch.ones(value.shape) for key, value in model.state_dict().items()}
    assert tresnet_of(ours) == backbone
    published = to_published(ours, source)
    listed = [[key, list(published[key].shape)] for key in in_published_order(published)]
    assert len(listed) == INDEX[name]['keys']
    if source == 'asl':  # ML-Decoder lists the parts of its head in another order
        text = json.dumps(listed, separators=(',', ':'))
        assert hashlib.sha256(text.encode()).hexdigest() == INDEX[name]['keys_sha256']
    converted = convert(published, source)
    assert {k: v.shape for k, v in converted.items()} == {k: v.shape for k, v in ours.items()}


R101 = dict(type='ResNet', depth=101, out_indices=(3,))
SWIN = dict(type='mlgcn.TIMMBackbone', model_name='swin_large_patch4_window12_384')


def q2l(channels):
    return dict(type='mlgcn.Query2LabelHead', num_classes=80, in_channels=channels)


@pytest.mark.parametrize(
    ('name', 'source', 'backbone', 'head', 'dropped'),
    [
        ('ctran_r101_coco', 'ctran', R101,
         dict(type='mlgcn.CTranHead', num_classes=80, in_channels=2048), 1000 * 2048 + 1000),
        ('query2label_r101_448', 'query2label', R101, q2l(2048), 0),
        ('query2label_tresnetl_448', 'query2label',
         dict(type='mlgcn.TIMMBackbone', model_name='tresnet_l'), q2l(2432), 0),
        ('query2label_tresnetl_v2_448', 'query2label',
         dict(type='mlgcn.TIMMBackbone', model_name='tresnet_v2_l'), q2l(2048), 0),
        ('query2label_swin_l_384', 'query2label', SWIN, q2l(1536), 0),
    ],
)  # fmt: skip
def test_whole_models_have_as_many_values_as_the_published(name, source, backbone, head, dropped):
    # mmpretrain's ResNet cannot be built on the meta device
    with torch.device('cpu' if backbone is R101 else 'meta'):
        body = MODELS.build(dict(backbone))
    with torch.device('meta'):
        model = ImageClassifier(backbone=body, head=dict(head))
    ours = {key: torch.ones(()).expand(value.shape) for key, value in model.state_dict().items()}
    published = to_published(ours, source)
    back = convert(published, source)
    assert {k: v.shape for k, v in back.items()} == {k: v.shape for k, v in ours.items()}
    frozen = re.compile(r'bn\d|downsample\.1' if 'query2label_r101' in name else r'no such key')
    counted = [key for key in published if not re.search(r'running_|num_batches', key)]
    values = sum(published[key].numel() for key in counted if not frozen.search(key))
    assert values + dropped == INDEX[name]['trainable_and_frozen_values']
    if (PEERS / f'keys_{name}.json').exists():
        listed = {key: shape for key, shape in keys_of(name).items() if key in published}
        assert listed == {key: tuple(published[key].shape) for key in listed}
        assert all(key.endswith(COUNTER) for key in published.keys() - listed.keys())


SMALL = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4)
HEADS_HERE = {
    'csra': dict(type='mlgcn.CSRAHead', in_channels=32, num_heads=2),
    'ml_gcn': dict(type='mlgcn.MLGCNHead', in_channels=32, hidden=6, embed_channels=5),
    'ml_decoder': dict(type='mlgcn.MLDecoderHead', in_channels=32, embed_dim=8),
    'query2label': dict(type='mlgcn.Query2LabelHead', in_channels=32, hidden=8),
    'ctran': dict(type='mlgcn.CTranHead', in_channels=32, num_layers=1),
}


def layout(source, weights):
    """A file as the authors of `source` save it."""
    parallel = {f'module.{key}': value for key, value in weights.items()}
    return {
        'csra': weights,
        'ml_gcn': dict(epoch=9, arch=None, state_dict=weights, best_score=83.0),
        'ml_decoder': dict(model=weights, idx_to_class=dict(enumerate('abc'))),
        'query2label': dict(epoch=9, arch='Q2L', state_dict=parallel, best_mAP=84.9),
        'ctran': dict(epoch=9, state_dict=parallel),
    }[source]


@pytest.fixture
def published(tmp_path):
    """A function that gives (file of `source`, our model, config) for three classes."""

    def make(source):
        torch.manual_seed(0)
        cfg = tiny_config()
        cfg.model.backbone, cfg.model.head = SMALL, HEADS_HERE[source]
        cfg.model.head.num_classes = None
        cfg.test_dataloader.dataset.metainfo = dict(classes=['a', 'b', 'c'])
        head = dict(HEADS_HERE[source], num_classes=3)
        model = ImageClassifier(backbone=dict(SMALL), head=head)
        weights = to_published(model.state_dict(), source)
        torch.save(layout(source, weights), tmp_path / f'{source}.pth')
        cfg.dump(tmp_path / f'{source}.py')
        return tmp_path / f'{source}.pth', model, tmp_path / f'{source}.py'

    return make


@pytest.mark.parametrize('source', HEADS_HERE)
def test_published_layouts_are_loaded(published, source):
    path, model, config = published(source)
    checkpoint = load(path)
    assert checkpoint.source == source and checkpoint.num_rows == 3
    own = {k: v for k, v in model.state_dict().items() if k != 'head.embeddings'}
    assert own.keys() == checkpoint.weights.keys()
    assert all(torch.equal(value, own[key]) for key, value in checkpoint.weights.items())
    if source == 'ml_decoder':
        assert checkpoint.stated_classes == ('a', 'b', 'c')
    if source == 'ml_gcn':  # random vectors cannot be the ones it was trained with
        with pytest.raises(CheckpointError, match='head.embeddings'):
            load_model(config, path)
        vectors = path.with_suffix('.npy')
        np.save(vectors, model.head.embeddings.numpy())
        loaded = load_model(config, path, cfg_options={'model.head.embeddings': str(vectors)})
    else:
        loaded = load_model(config, path)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(loaded.model(images), model.eval()(images))


@pytest.mark.parametrize('source', HEADS_HERE)
def test_mlgcn_convert_goes_both_ways(published, source, tmp_path, capsys):
    path, model, _ = published(source)
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


@pytest.mark.parametrize(('source', 'order'), [('ml_gcn', 'name'), ('query2label', 'id')])
def test_the_order_of_cocos_classes_is_checked(source, order):
    names = implied_classes(source, 80)
    assert (names == tuple(sorted(names))) == (order == 'name')
    key = 'head.graph' if source == 'ml_gcn' else 'head.queries'
    weights = {key: torch.zeros(80, 80)}
    checkpoint = Checkpoint('w.pth', source, weights, {}, dict(state_dict=weights))
    checkpoint.check_classes(names)
    with pytest.raises(CheckpointError, match=f"class_order='{order}'"):
        checkpoint.check_classes(names[::-1])


@pytest.mark.parametrize(
    ('name', 'channels', 'backbone'),
    [('tresnet_l', 2432, dict(model_name='tresnet_l')), ('tresnet_v2_l', 2048, XL)],
)
def test_the_body_follows_the_weights(name, channels, backbone):
    with torch.device('meta'):
        model = ImageClassifier(
            backbone=dict(type='mlgcn.TIMMBackbone', **backbone),
            head=dict(MLD, in_channels=channels, num_groups=7, embed_dim=16),
        )
    config = dict(
        backbone=dict(type='mlgcn.TIMMBackbone', model_name='tresnet_m'),
        head=dict(type='mlgcn.MLDecoderHead', num_classes=80, in_channels=2048),
    )
    fit_model(config, model.state_dict())
    assert config['backbone'] == dict(type='mlgcn.TIMMBackbone', **backbone)
    head = dict(in_channels=channels, num_groups=7, embed_dim=16)
    assert head.items() <= config['head'].items()


def test_hostile_variants_are_refused(published, tmp_path):
    path, _, config = published('query2label')
    content = torch.load(path)
    for change in (
        lambda weights: weights.pop('module.fc.b'),
        lambda weights: weights.update({'module.extra': torch.zeros(1)}),
        lambda weights: weights.update({'module.fc.b': torch.full((1, 3), float('nan'))}),
        lambda weights: weights.update({'module.query_embed.weight': torch.zeros(4, 32)}),
        lambda weights: weights.update({'module.fc.b': 'text'}),
    ):
        weights = dict(content['state_dict'])
        change(weights)
        torch.save(dict(content, state_dict=weights), path)
        with pytest.raises(CheckpointError, match='query2label.pth'):
            load_model(config, path)


def test_describe_names_the_body():
    _, weights = tresnet_case('tresnet_m_asl_k12_96x64')
    facts = describe(weights)
    assert facts['kind'].startswith('TResNet') and 'tresnet_m' in facts['model']
    assert facts['classes'].startswith('12')


def test_single_names():
    assert published_key('head.fc.weight', 'query2label') == 'fc.W'
    assert published_key('backbone.layer4.2.bn3.bias', 'ctran') == (
        'backbone.base_network.layer4.2.bn3.bias'
    )
    with pytest.raises(KeyError, match='head.embeddings.*ml_gcn'):
        published_key('head.embeddings', 'ml_gcn')
