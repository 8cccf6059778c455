# C-Tran's recipe: Adam at 1e-5 for everything, without weight decay, x 0.1 after 5 epochs without
# a better score. (Published: without a lower validation loss.)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-5))
param_scheduler = dict(
    type='ReduceOnPlateauLR', monitor='mAP', rule='greater', factor=0.1, patience=5, by_epoch=True)
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=1)
auto_scale_lr = dict(enable=False, base_batch_size=16)
