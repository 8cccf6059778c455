# ML-Decoder on both maps.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    neck=dict(type='mlgcn.JoinedMaps', in_channels=(112, 1280)),
    head=dict(
        type='mlgcn.MLDecoderHead', num_classes=None, in_channels=1392, embed_dim=256,
        mean_over_classes=True))
