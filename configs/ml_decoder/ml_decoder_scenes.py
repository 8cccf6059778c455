# ML-Decoder on a small ResNet, on the built-in data set.
_base_ = [
    '../_base_/models/resnet18_narrow.py',
    '../_base_/datasets/scenes.py',
    '../_base_/schedules/scenes.py',
    '../_base_/default_runtime.py',
]

model = dict(
    head=dict(
        type='mlgcn.MLDecoderHead', num_classes=None, in_channels=128, embed_dim=256,
        dropout=0.0,  # 12 epochs of 2,400 pictures do not overfit: 0.1 costs some points
        mean_over_classes=True))
# transformers take a lower rate than convolutions
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=0.25))))
