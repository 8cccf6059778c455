# One cycle of 80 epochs in mixed precision, with a moving average: ASL, ML-Decoder, Query2Label.
_base_ = './ema_both.py'

optim_wrapper = dict(
    type='AmpOptimWrapper', optimizer=dict(type='Adam', lr=1e-4, betas=(0.95, 0.999)))
__by_epoch = dict(by_epoch=True, convert_to_iter_based=True)
param_scheduler = [
    dict(type='OneCycleLR', eta_max=1e-4, pct_start=0.2, begin=0, end=80, total_steps=80,
         **__by_epoch),
    # torch's one cycle also moves beta1: 0.95, 0.85, 0.95
    dict(type='CosineAnnealingMomentum', eta_min=0.85, begin=0, end=16, **__by_epoch),
    dict(type='CosineAnnealingMomentum', eta_min=0.95, begin=16, end=80, **__by_epoch),
]
train_cfg = dict(by_epoch=True, max_epochs=80, val_interval=1)
