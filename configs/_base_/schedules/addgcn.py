# ADD-GCN's recipe (Ye et al., ECCV 2020): SGD, backbone at a tenth of the rate, clipped gradients.
# The published loop applied its two drops one epoch late (0-based epochs 31 and 41).
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),
    clip_grad=dict(max_norm=10.0),
)
param_scheduler = dict(type='MultiStepLR', by_epoch=True, milestones=[30, 40], gamma=0.1)
train_cfg = dict(by_epoch=True, max_epochs=50, val_interval=1)
auto_scale_lr = dict(enable=False, base_batch_size=16)  # 16 images in total, whatever the GPUs
