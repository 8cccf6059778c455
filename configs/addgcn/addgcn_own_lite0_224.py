# ADD-GCN on a small frozen backbone: your own photographs in minutes, without a GPU (README.md).
_base_ = [
    '../_base_/models/lite0_frozen.py',
    '../_base_/datasets/own_224_lite0.py',
    '../_base_/schedules/head_only.py',
    '../_base_/default_runtime.py',
]

# This backbone's features are not rectified and larger than ResNet's: nodes start smaller.
model = dict(
    head=dict(
        type='mlgcn.ADDGCNHead',
        num_classes=None,
        in_channels=320,
        node_channels=256,
        init_cfg=dict(type='Normal', std=0.003, override=dict(name='conv_transform')),
    ),
)
