"""The peers' names of weights and ours, as pairs of templates that are read in both directions.

CSRA, ML-GCN, ML-Decoder, Query2Label, C-Tran and ASL. A placeholder in braces stands for what PARTS
allows it; the first row that matches a key counts.
"""

from collections.abc import Collection

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
TRESNET = 'backbone.timm_model.body.'


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
