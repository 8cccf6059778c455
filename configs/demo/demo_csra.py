# make demo: CSRA on both maps, as own_csra.
_base_ = '../_base_/setups/demo_frozen.py'

model = dict(
    neck=dict(type='mlgcn.JoinedMaps', in_channels=(64, 128)),
    head=dict(type='mlgcn.CSRAHead', num_classes=None, in_channels=192, num_heads=1, lam=0.3))
optim_wrapper = dict(optimizer=dict(lr=1e-2))
