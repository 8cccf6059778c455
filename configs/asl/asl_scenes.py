# Linear head with asymmetric loss on a small ResNet, on the built-in data set.
_base_ = [
    '../_base_/models/resnet18_narrow.py',
    '../_base_/datasets/scenes.py',
    '../_base_/schedules/scenes.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(
        type='mlgcn.LinearHead', num_classes=None, in_channels=128, pool='avg',
        mean_over_classes=True,
        loss=dict(type='AsymmetricLoss', gamma_pos=0, gamma_neg=4, clip=0.05)))
