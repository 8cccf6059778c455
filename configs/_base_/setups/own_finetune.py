# The second step for own photographs, merged over a config of configs/own/ by
# `mlgcn train CONFIG --finetune CKPT`: the backbone trains too, from the head of the first step.
# BatchNorm takes the batch's statistics. docs/compare.md has what was tried.
# The first four layers (EfficientNet's stem and two stages: half of a step's time) stay as they are.
# Scores are means of the logits after this step and before it.
model = dict(first_step=True, backbone=dict(frozen=False, frozen_layers=4))

# own.size sets both sides
train_pipeline = [
    dict(type='mlgcn.LoadImage'),
    dict(
        type='RandomResizedCrop', scale=(320, 320), crop_ratio_range=(0.25, 1.0), backend='pillow'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

# The layers of timm's groups: the last of the backbone learns at 0.9 of the head's rate, each one
# before it at 0.9 of the next; of EfficientNet-Lite0's 17 the first that learns has a quarter of it.
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    constructor='LearningRateDecayOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
    paramwise_cfg=dict(layer_decay_rate=0.9, flat_decay_mult=0.0),
    clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=1, convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=8, val_interval=4)
# about the last twenty steps, tested and saved in place of the weights
custom_hooks = [dict(type='EMAHook', momentum=0.05, update_buffers=True)]
