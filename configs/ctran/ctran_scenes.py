# C-Tran on a small ResNet, on the built-in data set.
_base_ = ['../_base_/setups/scenes.py', '../_base_/schedules/scenes_slow_head.py']

model = dict(
    head=dict(
        type='mlgcn.CTranHead', num_classes=None, in_channels=128, sum_over_batch=False))
