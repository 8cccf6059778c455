# Two readers of both maps, the mean of their logits: a linear probe of the pooled maps' signed
# square roots, and CSRA.
_base_ = ['../_base_/setups/own_frozen.py', '../_base_/schedules/own.py']

model = dict(
    neck=dict(type='mlgcn.JoinedMaps', pooled=True),
    head=dict(type='mlgcn.ProbedCSRAHead', num_classes=None, num_heads=1, lam=0.3))
# CSRA's weights have unit length in use, the probe's do not: an eighth of its rate
optim_wrapper = dict(
    optimizer=dict(lr=1e-2),
    paramwise_cfg=dict(custom_keys={'head.probe': dict(lr_mult=0.12)}))
