"""Published files of the peers: their entries by the fixtures' lists, and small ones of each."""

import json

import torch
from fill import value_for
from mmpretrain.models import ImageClassifier
from paths import DATA
from tiny_checkpoint import tiny_config

from mlgcn.checkpoints import to_published

PEERS = DATA / 'peers'
MLD = dict(type='mlgcn.MLDecoderHead', num_classes=80)
XL = dict(model_name='tresnet_v2_l', layers=[3, 8, 34, 5])
SMALL = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4)
HEADS = {
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


def write_peer_file(folder, source):
    """(file of `source` for three classes, our model, config)."""
    torch.manual_seed(0)
    cfg = tiny_config()
    cfg.model.backbone, cfg.model.head = SMALL, dict(HEADS[source], num_classes=None)
    cfg.test_dataloader.dataset.metainfo = dict(classes=['a', 'b', 'c'])
    model = ImageClassifier(backbone=dict(SMALL), head=dict(HEADS[source], num_classes=3))
    torch.save(layout(source, to_published(model.state_dict(), source)), folder / f'{source}.pth')
    cfg.dump(folder / f'{source}.py')
    return folder / f'{source}.pth', model, folder / f'{source}.py'
