# Query2Label on a small ResNet, on the built-in data set.
_base_ = [
    '../_base_/models/resnet18_narrow.py',
    '../_base_/datasets/scenes.py',
    '../_base_/schedules/scenes.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(
        type='mlgcn.Query2LabelHead', num_classes=None, in_channels=128, hidden=512,
        mean_over_classes=True))
# transformers take a lower rate than convolutions
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=0.25))))
