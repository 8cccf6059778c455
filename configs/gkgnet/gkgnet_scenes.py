# GKGNet in miniature on the built-in data set: trains from scratch on two CPU cores. Same losses;
# fewer and narrower blocks, k = 3 because the last map of a 96-pixel image has nine patches only.
_base_ = [
    '../_base_/models/gkgnet_s.py',
    '../_base_/datasets/scenes.py',
    '../_base_/schedules/scenes.py',
    '../_base_/default_runtime.py',
]

channels = (32, 64, 128, 192)
model = dict(
    backbone=dict(
        arch=(channels, (1, 1, 3, 1)),
        k=3,
        img_size=96,
        drop_path_rate=0.0,
        init_cfg=dict(type='Kaiming', layer='Conv2d', mode='fan_in', _delete_=True),
    ),
    neck=dict(in_channels=channels, k=3, drop_path_rates=(0.0, 0.0, 0.0, 0.0)),
    head=dict(in_channels=192),
)
val_evaluator = dict(protocol='gkgnet')
test_evaluator = val_evaluator
