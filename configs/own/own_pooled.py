# The linear probe on both maps, pooled.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    neck=dict(type='mlgcn.JoinedMaps'),
    head=dict(
        type='mlgcn.LinearHead', num_classes=None, pool='avg',
        mean_over_classes=True))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
