"""What names and shapes of weights say about their model."""

import pytest
import torch
from checkpoints.peer_files import MLD, XL, tresnet_case
from mmpretrain.models import ImageClassifier
from published import published_weights

from mlgcn.checkpoints import describe
from mlgcn.checkpoints.recognise import fit_model


@pytest.mark.parametrize('name', ['addgcn_r50_c80', 'gkgnet_t_128_g1_c7_k5', 'gkgnet_t_224_g2_c20'])
def test_descriptions(name):
    source, weights = name[:6], published_weights(name)
    facts = describe(weights)
    if source == 'addgcn':
        assert facts['model'] == ('ResNet-101' if 'r101' in name else 'ResNet-50')
    else:
        assert facts['model'] == 'Pyramid ViG, arch t'
        assert facts['built for'].startswith('128 x 128' if '128' in name else '224 x 224')
    assert facts['classes'].split(',')[0] == name.split('_c')[1].split('_')[0]
    assert describe({'a.b': torch.zeros(1)}) == {'kind': describe({'c': torch.zeros(1)})['kind']}


def test_describe_names_the_body():
    _, weights = tresnet_case('tresnet_m_asl_k12_96x64')
    facts = describe(weights)
    assert facts['kind'].startswith('TResNet') and 'tresnet_m' in facts['model']
    assert facts['classes'].startswith('12')


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
