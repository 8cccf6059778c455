# The GKGNet recipe with a moving average of the weights, which is tested and saved in their place.
# An option: the published code contains it, but its config does not use it. Upstream's average
# starts from the weights after the first step, the published one from those before it. The
# published warm-up of the momentum, min(m, (1 + t) / (100 + t)), never acts at m = 2e-4. Both
# average the parameters only: BatchNorm's statistics are the current ones.
_base_ = './gkgnet.py'

custom_hooks = [
    dict(
        type='EMAHook',
        ema_type='ExponentialMovingAverage',
        momentum=2e-4,
        update_buffers=False,
        priority='ABOVE_NORMAL',
    )
]
