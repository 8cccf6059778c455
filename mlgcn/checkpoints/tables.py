"""Names of published weights and ours, as pairs of templates that are read in both directions.

A placeholder in braces stands for what PARTS allows it. The published Pyramid ViG counts blocks
and downsamplings in one list ({flat}), ours and mmpretrain's count them stage by stage; mmpretrain
puts the downsampling first in its stage's list ({inner}).
"""

LEAF = '(?:weight|bias|running_mean|running_var|num_batches_tracked)'
PARTS = {
    'leaf': LEAF,
    'layer': rf'\d\.{LEAF}',
    'fc': rf'fc[12]\.[01]\.{LEAF}',
    'res': rf'\d+\.(?:(?:conv|bn)[123]|downsample\.[01])\.{LEAF}',
    'flat': r'\d+',
    'inner': r'\d+',
    'stage': r'\d',
    'index': r'\d+',
    'part': '(?:adj|weight)',
    'gcn': '(?:conv_global|bn_global|conv_create_co_mat|dynamic_weight)',
    'head': '(?:fc|conv_transform|last_linear)',
}
LAYERS = (1, 2, 3, 4)  # of a ResNet

BLOCK = 'backbone.stages.{stage}.blocks.{index}.'
LABEL_BLOCK = 'neck.stages.{stage}.blocks.{index}.'


def _vig(outer: str) -> list[tuple[str, str]]:
    return [
        (outer + 'pos_embed', 'backbone.pos_embed'),
        (outer + 'stem.convs.{layer}', 'backbone.stem.{layer}'),
        (outer + 'backbone.{flat}.conv.{layer}', 'backbone.stages.{stage}.downsample.{layer}'),
        (outer + 'backbone.{flat}.0.graph_conv.gconv.nn.{layer}',
         BLOCK + 'grapher.graph_conv.{layer}'),
        (outer + 'backbone.{flat}.0.{fc}', BLOCK + 'grapher.{fc}'),
        (outer + 'backbone.{flat}.1.{fc}', BLOCK + 'ffn.{fc}'),
    ]  # fmt: skip


# source: (published template, our template); at most one row matches a key.
NAMES = {
    'addgcn': [
        ('features.0.{leaf}', 'backbone.conv1.{leaf}'),
        ('features.1.{leaf}', 'backbone.bn1.{leaf}'),
        *[(f'features.{i + 3}.{{res}}', f'backbone.layer{i}.{{res}}') for i in LAYERS],
        ('gcn.static_{part}.0.{leaf}', 'head.gcn.static_{part}.{leaf}'),
        ('gcn.{gcn}.{leaf}', 'head.gcn.{gcn}.{leaf}'),
        ('{head}.{leaf}', 'head.{head}.{leaf}'),
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
    'torchvision': [
        ('conv1.{leaf}', 'backbone.conv1.{leaf}'),
        ('bn1.{leaf}', 'backbone.bn1.{leaf}'),
        *[(f'layer{i}.{{res}}', f'backbone.layer{i}.{{res}}') for i in LAYERS],
    ],
    'mmpretrain': [
        ('backbone.pos_embed', 'backbone.pos_embed'),
        ('backbone.stem.{layer}', 'backbone.stem.{layer}'),
        ('backbone.stages.{stage}.0.{layer}', 'backbone.stages.{stage}.downsample.{layer}'),
        ('backbone.stages.{stage}.{inner}.0.graph_conv.gconv.nn.{layer}',
         BLOCK + 'grapher.graph_conv.{layer}'),
        ('backbone.stages.{stage}.{inner}.0.{fc}', BLOCK + 'grapher.{fc}'),
        ('backbone.stages.{stage}.{inner}.1.{fc}', BLOCK + 'ffn.{fc}'),
    ],
}  # fmt: skip

# source: {what its key is: why ours has no such entry}
DROPPED = {
    'addgcn': {r'mask_mat': 'the identity matrix'},
    'gkgnet': {r'backbone\.backbone\.\d+\.0\.relative_pos': 'table of positions, computed by us'},
    'pvig': {
        r'backbone\.\d+\.0\.relative_pos': 'table of positions, computed by us',
        r'prediction\.[014]\.' + LEAF: 'classifier of ImageNet',
    },
    'torchvision': {r'fc\.(?:weight|bias)': 'classifier of ImageNet'},
    'mmpretrain': {
        r'backbone\.stages\.\d\.\d+\.0\.relative_pos': 'table of positions, computed by us',
        r'head\.(?:fc1|bn|fc2)\.' + LEAF: 'classifier of ImageNet',
    },
}

# source: an entry that only its files have
MARKS = {
    'addgcn': 'gcn.static_adj.0.weight',
    'gkgnet': 'backbone.label_lt.weight',
    'pvig': 'stem.convs.0.weight',
    'mmpretrain': 'backbone.stages.0.0.0.fc1.0.weight',
    'torchvision': 'layer1.0.conv1.weight',
    'timm': 'conv_stem.weight',
}
