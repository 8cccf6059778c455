# CSRA's recipe for COCO: SGD, head at ten times the rate, two epochs of warm-up from 0, x 0.1 every
# 5 of 30 epochs (every 4 on VOC).
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.0))))
param_scheduler = [
    dict(
        type='mlgcn.LinearWarmupLR', begin=0, end=2, by_epoch=True, convert_to_iter_based=True,
        start_factor=1e-8),  # published: 0, from which mmengine never rises
    dict(type='StepLR', by_epoch=True, step_size=5, gamma=0.1),
]
train_cfg = dict(by_epoch=True, max_epochs=30, val_interval=1)
auto_scale_lr = dict(enable=False, base_batch_size=16)
