# Query2Label on both maps: one decoder layer, no encoder.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    neck=dict(type='mlgcn.JoinedMaps'),
    head=dict(
        type='mlgcn.Query2LabelHead', num_classes=None, embed_dim=256, hidden=512,
        num_encoders=0, num_decoders=1, mean_over_classes=True))
