# The linear probe: what every other head is compared with.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    head=dict(
        type='mlgcn.LinearHead', num_classes=None, in_channels=320, pool='avg',
        mean_over_classes=True))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
