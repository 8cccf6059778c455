# make demo: both maps pooled, one linear layer, as own_pooled.
_base_ = '../_base_/setups/demo_frozen.py'

model = dict(
    neck=dict(type='mlgcn.JoinedMaps', in_channels=(64, 128)),
    head=dict(
        type='mlgcn.LinearHead', num_classes=None, in_channels=192, pool='avg',
        mean_over_classes=True))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
