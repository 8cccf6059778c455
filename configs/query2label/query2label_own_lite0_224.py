# Query2Label on a small frozen backbone: your own photographs, without a GPU.
_base_ = [
    '../_base_/models/lite0_frozen.py',
    '../_base_/datasets/own_224_lite0.py',
    '../_base_/schedules/head_adamw.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(
        type='mlgcn.Query2LabelHead', num_classes=None, in_channels=320, embed_dim=256, hidden=1024,
        mean_over_classes=True))
