# ADD-GCN on a small frozen backbone: your own photographs in minutes, without a GPU (README.md).
_base_ = ['../_base_/setups/own_lite0_224.py', '../_base_/schedules/head_only.py']

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
