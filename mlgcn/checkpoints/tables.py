"""Names of published weights and ours, as pairs of templates that are read in both directions.

A placeholder in braces stands for what PARTS allows it; the first row that matches a key counts.
The published Pyramid ViG counts blocks and downsamplings in one list ({flat}); ours and
mmpretrain's count them stage by stage, mmpretrain's with the downsampling before them ({inner}).
"""

from collections.abc import Collection

LEAF = r'(?:weight|bias|running_mean|running_var|num_batches_tracked)'
ATTENTION = r'(?:in_proj_weight|in_proj_bias|out_proj\.weight|out_proj\.bias)'
TRANSFORMER = rf'(?:norm[12]|attn\.(?:qkv|proj)|mlp\.fc[12])\.{LEAF}'  # a block of ViT or Swin
PARTS = {
    'leaf': LEAF,
    'layer': rf'\d\.{LEAF}',
    'fc': rf'fc[12]\.[01]\.{LEAF}',
    'residual': rf'\d+\.(?:(?:conv|bn)[123]|downsample\.[01])\.{LEAF}',
    'i': r'\d+',
    'flat': r'\d+',
    'inner': r'\d+',
    'index': r'\d+',
    'stage': r'\d',
    's': r'[1-4]',
    'gcn': r'(?:conv_global|bn_global|conv_create_co_mat|dynamic_weight)',
    # a transformer layer, but an encoder's norm2, which is norm3 here
    'encoder': rf'(?:self_attn\.{ATTENTION}|linear[12]\.{LEAF}|norm1\.{LEAF})',
    'decoder': rf'(?:(?:self|multihead)_attn\.{ATTENTION}|linear[12]\.{LEAF}|norm[123]\.{LEAF})',
    'vit': rf'(?:cls_token|pos_embed|(?:patch_embed\.proj|norm)\.{LEAF}'
    rf'|blocks\.\d+\.{TRANSFORMER})',
    'swin': rf'(?:(?:patch_embed\.(?:proj|norm)|norm)\.{LEAF}'
    rf'|layers\.\d+\.blocks\.\d+\.(?:{TRANSFORMER}|attn\.relative_position_bias_table))',
    # CvT, which mlgcn.CvT names alike
    'cvt': rf'(?:norm\.{LEAF}|stage2\.cls_token|stage[0-2]\.(?:patch_embed\.(?:proj|norm)\.{LEAF}'
    rf'|blocks\.\d+\.(?:norm[12]|mlp\.fc[12]|attn\.(?:conv_proj_[qkv]\.(?:conv|bn)'
    rf'|proj(?:_[qkv])?))\.{LEAF}))',
    'merging': rf'downsample\.(?:norm|reduction)\.{LEAF}',
    # of a TResNet: a convolution with its batch norm, and squeeze-and-excitation
    'unit': r'(?:conv1|layer[1-4]\.\d+\.(?:conv[123]|downsample\.[012]))',
    'squeeze': rf'layer[1-4]\.\d+\.se\.fc[12]\.{LEAF}',
}
BLOCK = 'backbone.stages.{stage}.blocks.{index}.'
LABEL_BLOCK = 'neck.stages.{stage}.blocks.{index}.'
TIMM = 'backbone.timm_model.'
TRESNET = TIMM + 'body.'
Rows = list[tuple[str, str]]


def _resnet(outer: str) -> Rows:
    stem = [(f'{outer}{part}.{{leaf}}', f'backbone.{part}.{{leaf}}') for part in ('conv1', 'bn1')]
    return [*stem, (outer + 'layer{s}.{residual}', 'backbone.layer{s}.{residual}')]


# a ResNet in an nn.Sequential: its stages are 4 to 7
FEATURES: Rows = [
    ('features.0.{leaf}', 'backbone.conv1.{leaf}'),
    ('features.1.{leaf}', 'backbone.bn1.{leaf}'),
    *[(f'features.{i + 3}.{{residual}}', f'backbone.layer{i}.{{residual}}') for i in range(1, 5)],
]


def _vig_block(published: str, ours: str) -> Rows:
    return [
        (published + '0.graph_conv.gconv.nn.{layer}', ours + 'grapher.graph_conv.{layer}'),
        (published + '0.{fc}', ours + 'grapher.{fc}'),
        (published + '1.{fc}', ours + 'ffn.{fc}'),
    ]


def _vig(outer: str) -> Rows:
    return [
        (outer + 'pos_embed', 'backbone.pos_embed'),
        (outer + 'stem.convs.{layer}', 'backbone.stem.{layer}'),
        (outer + 'backbone.{flat}.conv.{layer}', 'backbone.stages.{stage}.downsample.{layer}'),
        *_vig_block(outer + 'backbone.{flat}.', BLOCK),
    ]


def _tresnet(outer: str, bottlenecks: bool) -> Rows:
    """Published TResNets to timm's; `bottlenecks`: in layer1 and 2 too (ML-Decoder's L and XL)."""
    rows = []
    # the first block of a stage halves the map: its convolution stands in a list with the blur
    blurred = (f'layer2.0.conv{2 if bottlenecks else 1}', 'layer3.0.conv2', 'layer4.0.conv2')
    for place, name in enumerate(('conv', 'bn')):
        rows += [
            (f'{outer}{at}.0.{place}.{{leaf}}', f'{TRESNET}{at}.{name}.{{leaf}}') for at in blurred
        ]
        rows.append((f'{outer}{{unit}}.{place}.{{leaf}}', f'{TRESNET}{{unit}}.{name}.{{leaf}}'))
    return [*rows, (outer + '{squeeze}', TRESNET + '{squeeze}')]


def _swin(outer: str) -> Rows:
    """Microsoft's Swin transformers to timm's, which counts a merging with the stage after it."""
    merging = [
        (f'{outer}layers.{stage}.{{merging}}', f'{TIMM}layers.{stage + 1}.{{merging}}')
        for stage in range(3)
    ]
    return [(outer + '{swin}', TIMM + '{swin}'), *merging]


# systems that are no peers: the whole file
SYSTEMS: dict[str, Rows] = {
    'addgcn': [
        *FEATURES,
        ('gcn.static_adj.0.{leaf}', 'head.gcn.static_adj.{leaf}'),
        ('gcn.static_weight.0.{leaf}', 'head.gcn.static_weight.{leaf}'),
        ('gcn.{gcn}.{leaf}', 'head.gcn.{gcn}.{leaf}'),
        ('fc.{leaf}', 'head.fc.{leaf}'),
        ('conv_transform.{leaf}', 'head.conv_transform.{leaf}'),
        ('last_linear.{leaf}', 'head.last_linear.{leaf}'),
    ],
    'gkgnet': [
        *_vig('backbone.'),
        ('backbone.label_lt.weight', 'neck.labels.weight'),
        ('backbone.gcn_label.{stage}.{index}.graph_conv.gconv.nn.{layer}',
         LABEL_BLOCK + 'grapher.graph_conv.{layer}'),
        ('backbone.gcn_label.{stage}.{index}.ffn.{fc}', LABEL_BLOCK + 'ffn.{fc}'),
        ('backbone.gcn_label.{stage}.{index}.{fc}', LABEL_BLOCK + 'grapher.{fc}'),
        ('backbone.ffn_label.{stage}.0.{leaf}', 'neck.stages.{stage}.project.{leaf}'),
        ('head.fc1.{leaf}', 'head.fc1.{leaf}'),
        ('head.fc2.{leaf}', 'head.fc2.{leaf}'),
    ],
    'pvig': _vig(''),
    'mmpretrain': [
        ('backbone.pos_embed', 'backbone.pos_embed'),
        ('backbone.stem.{layer}', 'backbone.stem.{layer}'),
        ('backbone.stages.{stage}.0.{layer}', 'backbone.stages.{stage}.downsample.{layer}'),
        *_vig_block('backbone.stages.{stage}.{inner}.', BLOCK),
    ],
    'torchvision': _resnet(''),
}  # fmt: skip

# peers: the head alone, (published template, ours below `head.`)
HEADS: dict[str, Rows] = {
    'csra': [('multi_head.{i}.head.weight', 'csra_heads.{i}.head.weight')],
    'ml_gcn': [('A', 'graph'), ('gc1.weight', 'gc1.weight'), ('gc2.weight', 'gc2.weight')],
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
# ASL's OpenImages head: two Linears, nothing between
ASL_TWO_LINEARS: Rows = [
    ('fc.embedding_generator.0.{leaf}', 'hidden.{leaf}'),
    ('fc.FC.{leaf}', 'fc.{leaf}'),
]
# where the head stands in a peer's whole file, other than at the top; the first is written
HEAD_AT = {'csra': ('classifier.',), 'ml_decoder': ('head.', 'fc.'), 'asl': ('head.',)}

# patterns of published entries that ours do not have
POSITIONS = r'(?:backbone\.)?backbone\.\d+\.0\.relative_pos'  # tables that our backbone computes
DROPPED = {
    'addgcn': 'mask_mat',  # the identity matrix
    'gkgnet': POSITIONS,
    'pvig': rf'{POSITIONS}|prediction\.[014]\.{LEAF}',  # classifiers of ImageNet, here and below
    'mmpretrain': r'backbone\.stages\.\d\.\d+\.0\.relative_pos|head\.(?:fc1|bn|fc2)\.' + LEAF,
    'torchvision': r'fc\.(?:weight|bias)',
    'ctran': r'backbone\.base_network\.fc\.(?:weight|bias)',
    # a table of positions; constants of a Swin transformer
    'query2label': r'backbone\.1\.pe|.*\.(?:attn_mask|relative_position_index)',
}


def rows(source: str, names: Collection[str]) -> Rows:
    """The table of a whole file; that of a TResNet is chosen by its names, published or ours."""
    if source in SYSTEMS:
        return SYSTEMS[source]
    bottlenecks = any('layer1.0.conv3' in name for name in names)
    is_cvt = any('stage0.patch_embed' in name for name in names)
    bodies = {
        'csra': [*_resnet(''), ('{vit}', TIMM + '{vit}')],
        'ml_gcn': FEATURES,
        'ml_decoder': [*_tresnet('body.', bottlenecks), *_resnet('')],
        'query2label': [
            *_tresnet('backbone.0.body.body.', bottlenecks),
            *_resnet('backbone.0.body.'),
            *([('backbone.0.{cvt}', 'backbone.{cvt}')] if is_cvt else _swin('backbone.0.')),
        ],
        'ctran': _resnet('backbone.base_network.'),
        'asl': _tresnet('body.', bottlenecks),
    }
    two = {'head.hidden.weight', 'head.fc.FC.weight'} & set(names)
    table = ASL_TWO_LINEARS if source == 'asl' and two else HEADS[source]
    head = [(at + a, 'head.' + b) for at in HEAD_AT.get(source, ('',)) for a, b in table]
    return head + bodies[source]
