# GKGNet's recipe (Yao et al., ECCV 2024): AdamW, 5 epochs of warm-up, mixed precision, 80 epochs.
# Without a GPU the tools take bfloat16 autocast instead of fp16, and plain BatchNorm.
optim_wrapper = dict(
    type='AmpOptimWrapper',  # fp16 with a dynamic loss scale
    optimizer=dict(type='AdamW', lr=1e-4, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05),
    # every weight is decayed, the position and label embeddings too, but no norm layer or bias
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    # upstream's LinearLR reaches the full rate one iteration earlier than published
    dict(
        type='mlgcn.LinearWarmupLR',
        start_factor=1e-3,
        begin=0,
        end=5,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
    dict(type='MultiStepLR', by_epoch=True, milestones=[10, 50], gamma=0.1),
]
train_cfg = dict(by_epoch=True, max_epochs=80, val_interval=1)
auto_scale_lr = dict(enable=False, base_batch_size=128)  # published on 8 GPUs with 16 images each
sync_bn = 'torch'  # statistics over all GPUs; nothing changes in a single process
