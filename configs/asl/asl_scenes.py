# Linear head with asymmetric loss on a small ResNet, on the built-in data set.
_base_ = ['../_base_/setups/scenes.py', '../_base_/schedules/scenes.py']

model = dict(
    head=dict(
        type='mlgcn.LinearHead', num_classes=None, in_channels=128, pool='avg',
        loss=dict(type='mlgcn.ASL', gamma_neg=4, gamma_pos=0, clip=0.05, reduction='mean')))
