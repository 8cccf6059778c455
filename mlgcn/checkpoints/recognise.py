"""What names and shapes of weights say about the model that they are for."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from mlgcn.models.backbones.pyramid_vig import ARCHS

from .convert import convert, detect
from .safe_load import CheckpointError
from .sources import SOURCES, implied_classes, num_classes
from .tables import TRESNET

VIG_ARCHS = {channels[0]: arch for arch, (channels, _) in ARCHS.items()}
# (first channels, bottlenecks in stage 1, blocks): timm's model
TRESNETS = {
    (64, False, (3, 4, 11, 3)): dict(model_name='tresnet_m'),
    (76, False, (4, 5, 18, 3)): dict(model_name='tresnet_l'),
    (83, False, (4, 5, 24, 3)): dict(model_name='tresnet_xl'),
    (64, True, (3, 4, 23, 3)): dict(model_name='tresnet_v2_l'),
    (64, True, (3, 8, 34, 5)): dict(model_name='tresnet_v2_l', layers=[3, 8, 34, 5]),
}


def describe(state_dict: Mapping[str, Tensor]) -> dict[str, str]:
    """What names and shapes say about published weights, as `label: text` to print."""
    source = detect(state_dict)
    known = SOURCES[source]
    facts = {'kind': known.kind}
    if source in ('addgcn', 'torchvision'):
        blocks = [key for key in state_dict if key.endswith(('.bn1.weight', '.bn3.weight'))]
        first = [key for key in blocks if key.endswith('.bn1.weight')]
        facts['model'] = f'ResNet-{2 + len(first) + len(blocks)}'
    if source in ('asl', 'ml_decoder') and 'body.conv1.0.weight' in state_dict:
        body = tresnet_of(convert(state_dict, source))
        facts['model'] = ' '.join(f'{value}' for value in body.values()) + " in timm's names"
    embedding = [v for k, v in state_dict.items() if k.endswith('pos_embed') and v.ndim == 4]
    if source in ('gkgnet', 'pvig', 'mmpretrain') and embedding:
        _, channels, height, width = embedding[0].shape
        facts['model'] = f'Pyramid ViG, arch {VIG_ARCHS.get(channels, f"with {channels} channels")}'
        facts['built for'] = f'{4 * height} x {4 * width} pixels'
    if known.classifier:
        number = num_classes(source, state_dict) or 0
        names = implied_classes(source, number)
        facts['classes'] = f'{number}' + (f', implied order: {", ".join(names)}' if names else '')
    if known.licence:
        facts.update({'licence': known.licence, 'used by': known.used_by})
    return facts


def tresnet_of(weights: Mapping[str, Tensor]) -> dict:
    """The arguments of `mlgcn.TIMMBackbone` for a TResNet's weights under our names.

    Two families share their published names: M, L and XL of ASL (64, 76 or 83 channels first), and
    L and XL of ML-Decoder (64, bottlenecks everywhere).

    Raises:
        CheckpointError: no such TResNet.
    """
    found = [re.match(re.escape(TRESNET) + r'layer([1-4])\.(\d+)\.', key) for key in weights]
    blocks = {(int(match[1]), int(match[2])) for match in found if match}
    layers = tuple(sum(stage == s for s, _ in blocks) for stage in range(1, 5))
    bottlenecks = f'{TRESNET}layer1.0.conv3.conv.weight' in weights
    stem = weights.get(f'{TRESNET}conv1.conv.weight', torch.empty(0))
    seen = (len(stem), bottlenecks, layers)
    if seen not in TRESNETS:
        kind = 'bottlenecks' if bottlenecks else 'basic blocks'
        found = f'{len(stem)} channels first, {kind} in stage 1 and {layers} blocks'
        raise CheckpointError(f'no known TResNet has {found}')
    return dict(TRESNETS[seen])


def fit_model(model: dict, weights: Mapping[str, Tensor]) -> None:
    """Give a model's config, in place, what only the weights can say.

    TResNet M, L and XL are published under one name and differ in their shapes alone: the config
    of any gets the body and the head that the weights are for. ML-GCN's graph and embeddings are
    in the weights: the files that they came from are not needed again. Weights from before
    fine-tuning, beside those after it, have a model of their own.
    """
    backbone, head = model.get('backbone') or {}, model.get('head') or {}
    if head.get('type') == 'mlgcn.MLGCNHead' and 'head.embeddings' in weights:
        head['graph'], head['embeddings'] = None, None
        head['embed_channels'] = weights['head.embeddings'].shape[1]
    averaged = str(model.get('type')).endswith('MirrorAveragedClassifier')
    if averaged and any(key.startswith('first.') for key in weights):
        model['first_step'] = True
    last = f'{TRESNET}layer4.0.conv3.conv.weight'
    if last not in weights or not str(backbone.get('model_name')).startswith('tresnet'):
        return
    backbone.pop('layers', None)
    backbone.update(tresnet_of(weights))
    head['in_channels'] = len(weights[last])
    if head.get('type') == 'mlgcn.MLDecoderHead' and 'head.queries' in weights:
        head['num_groups'], head['embed_dim'] = weights['head.queries'].shape
    if head.get('type') == 'mlgcn.LinearHead' and 'head.hidden.weight' in weights:
        head['hidden'] = len(weights['head.hidden.weight'])
