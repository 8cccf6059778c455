# A moving average of all weights and buffers from the first step on, as ASL, ML-Decoder and
# Query2Label keep it (0.9997), scored beside the plain weights: `mAP` is the average's, `mAP_origin`
# the plain weights'. The papers report the better of the two. Checkpoints hold both.
custom_hooks = [
    dict(
        type='EMAHook', momentum=3e-4, update_buffers=True, evaluate_on_ema=True,
        evaluate_on_origin=True, priority='ABOVE_NORMAL')
]
