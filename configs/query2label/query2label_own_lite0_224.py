# Query2Label on a small frozen backbone: your own photographs, without a GPU.
_base_ = ['../_base_/setups/own_lite0_224.py', '../_base_/schedules/head_adamw.py']

model = dict(
    head=dict(
        type='mlgcn.Query2LabelHead', num_classes=None, in_channels=320, embed_dim=256, hidden=1024,
        mean_over_classes=True))
