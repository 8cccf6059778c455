# GKGNet's label graph on both maps, narrowed to 96 and 192 channels, with GKGNet's head.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    neck=dict(
        type='mlgcn.LabelGraphNeck', num_classes=None, widths=(96, 192),
        k=9, num_groups=2),
    head=dict(type='mlgcn.GKGHead', num_classes=None, mean_over_classes=True))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
