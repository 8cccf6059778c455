"""Warm-up as mmcv 1.x counts it."""

from mmengine.optim import LinearLR

from mlgcn.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class LinearWarmupLR(LinearLR):
    """mmengine's `LinearLR` that reaches `end_factor` at iteration `end`, not one before.

    At iteration t from `begin` to `end` the rate is multiplied by
    start_factor + (end_factor - start_factor) (t - begin) / (end - begin). This is mmcv 1.x's
    linear warm-up, with which GKGNet was trained; upstream's has end - begin - 1 in its place.

    Args:
        args, kwargs: those of mmengine's `LinearLR`.
        end: the iteration (epoch, if `by_epoch` without `convert_to_iter_based`) of `end_factor`.
    """

    def __init__(self, *args, end: int, **kwargs):
        super().__init__(*args, end=end + 1, **kwargs)
