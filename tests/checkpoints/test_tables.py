"""Every entry of published files has its name here, and the reverse."""

import hashlib
import json
import re

import pytest
import torch
from checkpoints.peer_files import MLD, PEERS, XL, keys_of
from mmpretrain.models import ImageClassifier

from mlgcn.checkpoints import CheckpointError, convert, detect, to_published, unwrap
from mlgcn.checkpoints.recognise import tresnet_of
from mlgcn.registry import MODELS

COUNTER = 'num_batches_tracked'
ASL = dict(type='mlgcn.LinearHead', num_classes=80, pool='avg')


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
    for surprise in ('surprise', ''):
        with pytest.raises(CheckpointError, match=f'1 entry is not in .* weights: {surprise}$'):
            convert({**unwrap(file), surprise: torch.zeros(1)}, source)


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
CVT = dict(type='mlgcn.CvT', arch='w24')
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
        ('query2label_cvt_w24_384', 'query2label', CVT, q2l(1024), 0),
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
