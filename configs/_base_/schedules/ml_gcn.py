# ML-GCN's recipe as its code has it: SGD, backbone at a tenth of the rate, clipped gradients, 20
# epochs. Its one drop at epoch 30 never comes; users train longer and drop.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),
    clip_grad=dict(max_norm=10.0))
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=1)
auto_scale_lr = dict(enable=False, base_batch_size=16)
# the graph of the training labels, counted before the first epoch
custom_hooks = [dict(type='mlgcn.LabelGraphHook')]
