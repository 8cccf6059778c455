# ADD-GCN on both maps.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    neck=dict(type='mlgcn.JoinedMaps'),
    head=dict(
        type='mlgcn.ADDGCNHead', num_classes=None, node_channels=256))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
