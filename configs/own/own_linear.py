# The linear probe on the last map, normalised: what every other head is compared with.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    backbone=dict(out_indices=()),
    neck=dict(type='mlgcn.JoinedMaps'),
    head=dict(
        type='mlgcn.LinearHead', num_classes=None, pool='avg',
        mean_over_classes=True))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
