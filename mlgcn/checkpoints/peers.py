"""Published weights of CSRA, ML-GCN, ML-Decoder, Query2Label, C-Tran and ASL, to ours and back.

A table of templates per system, read in both directions; PARTS says what a placeholder stands for.
"""

import re
from collections.abc import Collection, Mapping
from functools import cache

import torch
from torch import Tensor

from .error import CheckpointError

LEAF = r'(?:weight|bias|running_mean|running_var|num_batches_tracked)'
ATTENTION = r'(?:in_proj_weight|in_proj_bias|out_proj\.weight|out_proj\.bias)'
PARTS = {
    'leaf': LEAF,
    'i': r'\d+',
    'b': r'\d+',
    'n': r'[12]',
    's': r'[1-4]',
    'j': r'[123]',
    # a transformer layer, but an encoder's norm2, which is norm3 here
    'encoder': rf'(?:self_attn\.{ATTENTION}|linear[12]\.{LEAF}|norm1\.{LEAF})',
    'decoder': rf'(?:(?:self|multihead)_attn\.{ATTENTION}|linear[12]\.{LEAF}|norm[123]\.{LEAF})',
    'block': rf'\d+\.(?:(?:conv|bn)[123]|downsample\.[01])\.{LEAF}',
    'vit': rf'(?:norm[12]|attn\.(?:qkv|proj)|mlp\.fc[12])\.{LEAF}',
    'swin': rf'(?:norm[12]|attn\.(?:qkv|proj)|mlp\.fc[12])\.{LEAF}'
    r'|attn\.relative_position_bias_table',
}
Rows = list[tuple[str, str]]
Converted = tuple[dict[str, Tensor], list[str]]

# source: its head alone, (published template, ours below `head.`)
HEADS: dict[str, Rows] = {
    'csra': [('multi_head.{i}.head.weight', 'csra_heads.{i}.head.weight')],
    'ml_gcn': [('A', 'graph'), ('gc{n}.weight', 'gc{n}.weight')],
    'ml_decoder': [
        ('decoder.duplicate_pooling', 'group_fc'),
        ('decoder.duplicate_pooling_bias', 'bias'),
        ('decoder.layers.0.norm1.{leaf}', 'norm1.{leaf}'),
        ('decoder.layers.0.{decoder}', 'layer.{decoder}'),
        ('decoder.embed_standart.{leaf}', 'project.{leaf}'),
        ('decoder.query_embed.weight', 'queries'),
        ('wordvec_proj.{leaf}', 'word_proj.{leaf}'),
    ],
    'query2label': [
        ('transformer.encoder.layers.{i}.norm2.{leaf}', 'encoder.{i}.norm3.{leaf}'),
        ('transformer.encoder.layers.{i}.{encoder}', 'encoder.{i}.{encoder}'),
        ('transformer.encoder.norm.{leaf}', 'encoder_norm.{leaf}'),
        ('transformer.decoder.layers.{i}.{decoder}', 'decoder.{i}.{decoder}'),
        ('transformer.decoder.norm.{leaf}', 'decoder_norm.{leaf}'),
        ('input_proj.{leaf}', 'input_proj.{leaf}'),
        ('query_embed.weight', 'queries'),
        ('fc.W', 'fc.weight'),
        ('fc.b', 'fc.bias'),
    ],
    'ctran': [
        ('label_lt.weight', 'labels.weight'),
        ('known_label_lt.weight', 'states.weight'),
        ('self_attn_layers.{i}.transformer_layer.norm2.{leaf}', 'layers.{i}.norm3.{leaf}'),
        ('self_attn_layers.{i}.transformer_layer.{encoder}', 'layers.{i}.{encoder}'),
        ('output_linear.{leaf}', 'fc.{leaf}'),
        ('LayerNorm.{leaf}', 'norm.{leaf}'),
    ],
    'asl': [('fc.{leaf}', 'fc.{leaf}')],
}
# source: where its head stands in a whole published file; the first is written
HEAD_AT = {
    'csra': ('classifier.',),
    'ml_gcn': ('',),
    'ml_decoder': ('head.', 'fc.'),
    'query2label': ('',),
    'ctran': ('',),
    'asl': ('head.',),
}
# source: an entry that only its whole files have; in this order
MARKS = {
    'ctran': r'known_label_lt\.weight',
    'query2label': r'transformer\.decoder\.norm\.weight',
    'csra': r'classifier\.multi_head\.0\.head\.weight',
    'ml_gcn': r'gc1\.weight',
    'ml_decoder': r'(?:head|fc)\.decoder\.duplicate_pooling',
    'asl': r'body\.conv1\.0\.weight',
}
# source: {what its key is: why ours has no such entry}
DROPPED = {
    'query2label': {
        r'backbone\.1\.pe': 'table of positions, computed by us',
        r'.*\.(?:attn_mask|relative_position_index)': 'constants of a Swin transformer',
    },
    'ctran': {r'backbone\.base_network\.fc\.(?:weight|bias)': 'classifier of ImageNet'},
}
# ASL's OpenImages head: two Linears, nothing between
ASL_TWO_LINEARS: Rows = [
    ('fc.embedding_generator.0.{leaf}', 'hidden.{leaf}'),
    ('fc.FC.{leaf}', 'fc.{leaf}'),
]
# source: entries of our head that published files do not hold
OURS_ALONE = {'ml_gcn': r'(?:head\.)?embeddings'}
ABN_EPS = 1e-5  # InPlaceABN multiplies by |weight| + eps
Q2L_CLASSIFIER = ('fc.W', 'fc.b')  # (1, K, D) and (1, K)
NORM = re.compile(r'backbone\.timm_model\.body\..*\bbn\.weight')
TRESNET = 'backbone.timm_model.body.'
# (first channels, bottlenecks in stage 1, blocks): timm's model
TRESNETS = {
    (64, False, (3, 4, 11, 3)): dict(model_name='tresnet_m'),
    (76, False, (4, 5, 18, 3)): dict(model_name='tresnet_l'),
    (83, False, (4, 5, 24, 3)): dict(model_name='tresnet_xl'),
    (64, True, (3, 4, 23, 3)): dict(model_name='tresnet_v2_l'),
    (64, True, (3, 8, 34, 5)): dict(model_name='tresnet_v2_l', layers=[3, 8, 34, 5]),
}


def _resnet(outer: str) -> Rows:
    return [
        (outer + 'conv1.{leaf}', 'backbone.conv1.{leaf}'),
        (outer + 'bn1.{leaf}', 'backbone.bn1.{leaf}'),
        (outer + 'layer{s}.{block}', 'backbone.layer{s}.{block}'),
    ]


def _tresnet(outer: str, bottlenecks: bool) -> Rows:
    """Published TResNets to timm's; `bottlenecks`: in layer1 and 2 too (ML-Decoder's L and XL)."""
    ours = TRESNET
    rows = []
    # the first block of a stage halves the map: its convolution stands in a list with the blur
    for stage, conv in ((2, 2 if bottlenecks else 1), (3, 2), (4, 2)):
        for place, name in enumerate(('conv', 'bn')):
            at = f'layer{stage}.0.conv{conv}.'
            rows.append((f'{outer}{at}0.{place}.{{leaf}}', f'{ours}{at}{name}.{{leaf}}'))
    down = 'layer{s}.{i}.downsample.{n}.'
    for place, name in enumerate(('conv', 'bn')):
        rows += [
            (f'{outer}conv1.{place}.{{leaf}}', f'{ours}conv1.{name}.{{leaf}}'),
            (f'{outer}layer{{s}}.{{i}}.conv{{j}}.{place}.{{leaf}}',
             f'{ours}layer{{s}}.{{i}}.conv{{j}}.{name}.{{leaf}}'),
            (f'{outer}{down}{place}.{{leaf}}', f'{ours}{down}{name}.{{leaf}}'),
            (f'{outer}layer1.0.downsample.0.{place}.{{leaf}}',
             f'{ours}layer1.0.downsample.0.{name}.{{leaf}}'),
        ]  # fmt: skip
    return [*rows, (outer + 'layer{s}.{i}.se.fc{n}.{leaf}', ours + 'layer{s}.{i}.se.fc{n}.{leaf}')]


def _vit(outer: str) -> Rows:
    ours = 'backbone.timm_model.'
    names = ('cls_token', 'pos_embed', 'patch_embed.proj.{leaf}', 'blocks.{i}.{vit}', 'norm.{leaf}')
    return [(outer + name, ours + name) for name in names]


def _swin(outer: str) -> Rows:
    """Microsoft's Swin transformers to timm's, which counts a merging with the stage after it."""
    ours = 'backbone.timm_model.'
    rows = [
        (outer + 'patch_embed.proj.{leaf}', ours + 'patch_embed.proj.{leaf}'),
        (outer + 'patch_embed.norm.{leaf}', ours + 'patch_embed.norm.{leaf}'),
        (outer + 'layers.{i}.blocks.{b}.{swin}', ours + 'layers.{i}.blocks.{b}.{swin}'),
        (outer + 'norm.{leaf}', ours + 'norm.{leaf}'),
    ]
    for stage in range(3):
        for name in ('norm', 'reduction'):
            at = f'downsample.{name}.{{leaf}}'
            rows.append((f'{outer}layers.{stage}.{at}', f'{ours}layers.{stage + 1}.{at}'))
    return rows


def _ml_gcn() -> Rows:
    stages = [(f'features.{s + 3}.{{block}}', f'backbone.layer{s}.{{block}}') for s in range(1, 5)]
    return [
        ('features.0.{leaf}', 'backbone.conv1.{leaf}'),
        ('features.1.{leaf}', 'backbone.bn1.{leaf}'),
        *stages,
    ]


def rows(source: str, names: Collection[str]) -> Rows:
    """The table of a whole file, chosen by its names (published or ours)."""
    bottlenecks = any('layer1.0.conv3' in name for name in names)
    backbones = {
        'csra': lambda: _resnet('') + _vit(''),
        'ml_gcn': _ml_gcn,
        'ml_decoder': lambda: _tresnet('body.', bottlenecks) + _resnet(''),
        'asl': lambda: _tresnet('body.', bottlenecks),
        'ctran': lambda: _resnet('backbone.base_network.'),
        'query2label': lambda: [
            *_tresnet('backbone.0.body.body.', bottlenecks),
            *_resnet('backbone.0.body.'),
            *_swin('backbone.0.'),
        ],
    }
    two = {'head.hidden.weight', 'head.fc.FC.weight'} & set(names)
    table = ASL_TWO_LINEARS if source == 'asl' and two else HEADS[source]
    head = [(at + a, 'head.' + b) for at in HEAD_AT[source] for a, b in table]
    return head + backbones[source]()


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
        head['graph'], head['embeddings'] = None, weights['head.embeddings'].shape[1]
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
