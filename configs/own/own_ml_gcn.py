# ML-GCN on both maps; random label embeddings.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    neck=dict(type='mlgcn.JoinedMaps'),
    head=dict(
        type='mlgcn.MLGCNHead', num_classes=None, hidden=256,
        embed_channels=300))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
custom_hooks = [dict(type='mlgcn.LabelGraphHook')]
