# Linear head with asymmetric loss on a small frozen backbone: your own photographs.
_base_ = ['../_base_/setups/own_lite0_224.py', '../_base_/schedules/head_only.py']

model = dict(
    head=dict(
        type='mlgcn.LinearHead', num_classes=None, in_channels=320, pool='avg',
        loss=dict(type='mlgcn.ASL', gamma_neg=4, gamma_pos=0, clip=0.05, reduction='mean')))
optim_wrapper = dict(optimizer=dict(lr=0.02, weight_decay=1e-4))
