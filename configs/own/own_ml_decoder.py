# ML-Decoder on both maps.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    neck=dict(type='mlgcn.JoinedMaps'),
    head=dict(
        type='mlgcn.MLDecoderHead', num_classes=None, embed_dim=256,
        mean_over_classes=True))
