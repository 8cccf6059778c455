# Query2Label's recipe: AdamW with decay on everything, one cycle of 80 epochs with batches of 64,
# mixed precision, EMA. The published run stops 8 epochs after the best one.
_base_ = './one_cycle.py'

optim_wrapper = dict(optimizer=dict(type='AdamW', weight_decay=1e-2))
auto_scale_lr = dict(enable=False, base_batch_size=64)  # the published rate did not follow it
