# ML-Decoder on a small frozen backbone: your own photographs in minutes, without a GPU.
_base_ = [
    '../_base_/models/lite0_frozen.py',
    '../_base_/datasets/own_224_lite0.py',
    '../_base_/schedules/head_adamw.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(
        type='mlgcn.MLDecoderHead', num_classes=None, in_channels=320, embed_dim=256,
        mean_over_classes=True))
