# CSRA on a small ResNet, on the built-in data set.
_base_ = ['../_base_/setups/scenes.py', '../_base_/schedules/scenes.py']

model = dict(
    head=dict(type='mlgcn.CSRAHead', num_classes=None, in_channels=128, num_heads=2, lam=0.3))
