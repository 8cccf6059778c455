# ASL's recipe: Adam with plain L2, one cycle laid out for 80 epochs and stopped after 40 of them, at
# two thirds of the maximal rate (published: after 41 of its own count), mixed precision, EMA.
_base_ = './ema_both.py'

optim_wrapper = dict(
    type='AmpOptimWrapper',
    optimizer=dict(type='Adam', lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-4),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0))
__by_epoch = dict(by_epoch=True, convert_to_iter_based=True)
param_scheduler = [
    dict(type='OneCycleLR', eta_max=1e-4, pct_start=0.2, begin=0, end=80, total_steps=80,
         **__by_epoch),
    # torch's one cycle also moves beta1: 0.95, 0.85, 0.95
    dict(type='CosineAnnealingMomentum', eta_min=0.85, begin=0, end=16, **__by_epoch),
    dict(type='CosineAnnealingMomentum', eta_min=0.95, begin=16, end=80, **__by_epoch),
]
train_cfg = dict(by_epoch=True, max_epochs=41, val_interval=1)
auto_scale_lr = dict(enable=False, base_batch_size=128)
