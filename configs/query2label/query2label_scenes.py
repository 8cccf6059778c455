# Query2Label on a small ResNet, on the built-in data set.
_base_ = ['../_base_/setups/scenes.py', '../_base_/schedules/scenes_slow_head.py']

model = dict(
    head=dict(
        type='mlgcn.Query2LabelHead', num_classes=None, in_channels=128, hidden=512,
        mean_over_classes=True))
