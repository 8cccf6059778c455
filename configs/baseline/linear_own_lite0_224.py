# The linear baseline beside ../addgcn/addgcn_own_lite0_224.py: same features, data and epochs.
_base_ = ['../_base_/setups/own_lite0_224.py', '../_base_/schedules/head_only.py']

model = dict(
    head=dict(
        type='mlgcn.LinearHead', num_classes=None, in_channels=320, pool='avg',
        mean_over_classes=True))
optim_wrapper = dict(optimizer=dict(lr=0.02, weight_decay=1e-4))
