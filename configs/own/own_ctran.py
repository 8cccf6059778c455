# C-Tran on both maps, narrowed by a 1x1 convolution to its width.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    neck=dict(type='mlgcn.JoinedMaps', width=256),
    head=dict(
        type='mlgcn.CTranHead', num_classes=None, num_layers=1,
        sum_over_batch=False))
