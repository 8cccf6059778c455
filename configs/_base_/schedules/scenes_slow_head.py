# The built-in data set from scratch: transformer and graph heads take a lower rate than the body.
_base_ = './scenes.py'

optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=0.25))))
