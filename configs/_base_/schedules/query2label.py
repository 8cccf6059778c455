# Query2Label's recipe: AdamW with decay on everything, one cycle of 80 epochs with batches of 64,
# mixed precision, EMA. The published run stops 8 epochs after the best one.
_base_ = './ema_both.py'

optim_wrapper = dict(
    type='AmpOptimWrapper', optimizer=dict(type='AdamW', lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-2))
__by_epoch = dict(by_epoch=True, convert_to_iter_based=True)
param_scheduler = [
    dict(type='OneCycleLR', eta_max=1e-4, pct_start=0.2, begin=0, end=80, total_steps=80,
         **__by_epoch),
    # torch's one cycle also moves beta1: 0.95, 0.85, 0.95
    dict(type='CosineAnnealingMomentum', eta_min=0.85, begin=0, end=16, **__by_epoch),
    dict(type='CosineAnnealingMomentum', eta_min=0.95, begin=16, end=80, **__by_epoch),
]
train_cfg = dict(by_epoch=True, max_epochs=80, val_interval=1)
auto_scale_lr = dict(enable=False, base_batch_size=64)  # the published rate did not follow it
