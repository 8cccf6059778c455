# make demo: ADD-GCN on both maps, as own_addgcn.
_base_ = '../_base_/setups/demo_frozen.py'

model = dict(
    neck=dict(type='mlgcn.JoinedMaps', in_channels=(64, 128)),
    head=dict(type='mlgcn.ADDGCNHead', num_classes=None, in_channels=192, node_channels=128))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
