# C-Tran on both maps, narrowed by a 1x1 convolution to its width.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    neck=dict(type='mlgcn.JoinedMaps', in_channels=(112, 1280), width=256),
    head=dict(
        type='mlgcn.CTranHead', num_classes=None, in_channels=256, num_layers=1,
        sum_over_batch=False))
