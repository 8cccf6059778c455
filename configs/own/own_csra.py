# CSRA on both maps.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    neck=dict(type='mlgcn.JoinedMaps'),
    head=dict(type='mlgcn.CSRAHead', num_classes=None, num_heads=1, lam=0.3))
optim_wrapper = dict(optimizer=dict(lr=1e-2))
