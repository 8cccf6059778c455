# The setup of own photographs (own_frozen.py) for pictures like the built-in ones: the narrow
# ResNet-18 of linear_scenes, frozen, instead of ImageNet's EfficientNet. `make demo` trains it, on
# other pictures, and gives its file with --cfg-options model.backbone.init_cfg.checkpoint=FILE
_base_ = ['./own_frozen.py', '../schedules/own.py']

own = dict(size=96)
model = dict(
    backbone=dict(
        _delete_=True, type='ResNet', depth=18, stem_channels=16, base_channels=16,
        strides=(1, 2, 2, 1), zero_init_residual=False, out_indices=(2, 3), frozen_stages=4,
        norm_eval=True, init_cfg=dict(type='Pretrained', checkpoint='', prefix='backbone.')))
data_preprocessor = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
