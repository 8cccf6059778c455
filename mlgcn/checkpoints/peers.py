"""Published weights of the peers to ours and back (`peer_tables`), and the models they are for."""

import re
from collections.abc import Collection, Mapping
from functools import cache

import torch
from torch import Tensor

from .error import CheckpointError
from .peer_tables import DROPPED, HEADS, MARKS, OURS_ALONE, PARTS, TRESNET, Rows, rows

Converted = tuple[dict[str, Tensor], list[str]]
ABN_EPS = 1e-5  # InPlaceABN multiplies by |weight| + eps
Q2L_CLASSIFIER = ('fc.W', 'fc.b')  # (1, K, D) and (1, K)
NORM = re.compile(r'backbone\.timm_model\.body\..*\bbn\.weight')
# (first channels, bottlenecks in stage 1, blocks): timm's model
TRESNETS = {
    (64, False, (3, 4, 11, 3)): dict(model_name='tresnet_m'),
    (76, False, (4, 5, 18, 3)): dict(model_name='tresnet_l'),
    (83, False, (4, 5, 24, 3)): dict(model_name='tresnet_xl'),
    (64, True, (3, 4, 23, 3)): dict(model_name='tresnet_v2_l'),
    (64, True, (3, 8, 34, 5)): dict(model_name='tresnet_v2_l', layers=[3, 8, 34, 5]),
}


def detect_peer(names: Collection[str]) -> str | None:
    """The source of a whole published file, by its names; None for any other file."""
    for source, mark in MARKS.items():
        if any(re.fullmatch(mark, name) for name in names):
            return source
    return None


def from_peer(weights: Mapping[str, Tensor], source: str, part: str | None = None) -> Converted:
    """Published weights under our names.

    Args:
        part: 'head' for a head's entries alone, as its module names them; ours come without
            `head.` too. None for a whole file.

    Returns:
        our weights, and the names that such a file does not have.
    """
    table = HEADS[source] if part == 'head' else rows(source, weights)
    ours, unknown = {}, []
    for key, value in weights.items():
        name = _renamed(key, table, 0)
        if name is not None:
            ours[name] = _value(key, name, value)
        elif not any(re.fullmatch(pattern, key) for pattern in DROPPED.get(source, ())):
            unknown.append(key)
    for name in [key for key in ours if key.endswith('.running_mean')]:
        # files of old versions of torch and InPlaceABN lack it, frozen batch norms too
        counter = name.replace('running_mean', 'num_batches_tracked')
        ours.setdefault(counter, torch.tensor(0))
    return ours, unknown


def to_peer(weights: Mapping[str, Tensor], source: str, part: str | None = None) -> Converted:
    """The reverse of :func:`from_peer`, under the published names.

    What published files hold besides (tables of positions, classifiers of ImageNet) is not made.

    Raises:
        CheckpointError: a batch norm with weights that InPlaceABN cannot have.
    """
    table = HEADS[source] if part == 'head' else rows(source, weights)
    published, unknown = {}, []
    for key, value in weights.items():
        name = _renamed(key, table, 1)
        if name is not None:
            published[name] = _published_value(key, name, value)
        elif not re.fullmatch(OURS_ALONE.get(source, ''), key):
            unknown.append(key)
    return published, unknown


def published_name(key: str, source: str) -> str | None:
    """The name of our entry `key` in a published file; of TResNets those of basic blocks."""
    return _renamed(key, rows(source, ()), 1)


def _value(key: str, name: str, value: Tensor) -> Tensor:
    if NORM.fullmatch(name):
        return value.abs() + ABN_EPS
    return value.squeeze(0) if key in Q2L_CLASSIFIER else value


def _published_value(name: str, key: str, value: Tensor) -> Tensor:
    if NORM.fullmatch(name):
        if (value < ABN_EPS).any():
            raise CheckpointError(
                f'{name}: {int((value < ABN_EPS).sum())} of {value.numel()} weights are below '
                f'{ABN_EPS:g}, which InPlaceABN (|weight| + {ABN_EPS:g}) cannot have'
            )
        return value - ABN_EPS
    return value.unsqueeze(0) if key in Q2L_CLASSIFIER else value


@cache
def _pattern(template: str) -> re.Pattern:
    text = re.escape(template).replace(r'\{', '{').replace(r'\}', '}')
    return re.compile(re.sub(r'{(\w+)}', lambda m: f'(?P<{m[1]}>{PARTS[m[1]]})', text))


def _renamed(key: str, table: Rows, side: int) -> str | None:
    """`key` of one side under the other's name: by the first row that has it."""
    for row in table:
        match = _pattern(row[side]).fullmatch(key)
        if match:
            return row[1 - side].format(**match.groupdict())
    return None


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
        raise CheckpointError(
            f'no known TResNet has {len(stem)} channels first, '
            f'{"bottlenecks" if bottlenecks else "basic blocks"} in stage 1 and {layers} blocks'
        )
    return dict(TRESNETS[seen])


def fit_model(model: dict, weights: Mapping[str, Tensor]) -> None:
    """Give a model's config, in place, what only the weights can say.

    TResNet M, L and XL are published under one name and differ in their shapes alone: the config
    of any gets the body and the head that the weights are for. ML-GCN's graph and embeddings are
    in the weights: the files that they came from are not needed again.
    """
    backbone, head = model.get('backbone') or {}, model.get('head') or {}
    if head.get('type') == 'mlgcn.MLGCNHead' and 'head.embeddings' in weights:
        head['graph'], head['embeddings'] = None, None
        head['embed_channels'] = weights['head.embeddings'].shape[1]
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
