# C-Tran on a small frozen backbone: your own photographs, without a GPU.
_base_ = ['../_base_/setups/own_lite0_224.py', '../_base_/schedules/head_adamw.py']

model = dict(
    head=dict(
        type='mlgcn.CTranHead', num_classes=None, in_channels=320, sum_over_batch=False))
