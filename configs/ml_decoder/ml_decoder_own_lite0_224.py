# ML-Decoder on a small frozen backbone: your own photographs in minutes, without a GPU.
_base_ = ['../_base_/setups/own_lite0_224.py', '../_base_/schedules/head_adamw.py']

model = dict(
    head=dict(
        type='mlgcn.MLDecoderHead', num_classes=None, in_channels=320, embed_dim=256,
        mean_over_classes=True))
