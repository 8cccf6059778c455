# The linear probe on both maps, pooled.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    neck=dict(type='mlgcn.JoinedMaps', in_channels=(112, 1280)),
    head=dict(
        type='mlgcn.LinearHead', num_classes=None, in_channels=1392, pool='avg',
        mean_over_classes=True))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
