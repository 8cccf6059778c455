# ASL's recipe: Adam with plain L2, one cycle laid out for 80 epochs and stopped after 40 of them,
# at two thirds of the maximal rate (published: after 41 of its own count), mixed precision, EMA.
_base_ = './one_cycle.py'

optim_wrapper = dict(
    optimizer=dict(weight_decay=1e-4),
    # published: no decay of biases and of tensors with one axis (an attention's `in_proj_bias` too)
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0, flat_decay_mult=0.0))
train_cfg = dict(max_epochs=41)
auto_scale_lr = dict(enable=False, base_batch_size=128)
