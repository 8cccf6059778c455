"""Optimisation that upstream lacks: mixed precision on a CPU, mmcv 1.x's warm-up, working FSDP."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from mmengine._strategy import FSDPStrategy as UpstreamStrategy
from mmengine.device import get_device
from mmengine.optim import BaseOptimWrapper, LinearLR, OptimWrapper
from mmpretrain.models.heads import MultiLabelClsHead
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.distributed.fsdp.wrap import size_based_auto_wrap_policy

from mlgcn.registry import OPTIM_WRAPPERS, PARAM_SCHEDULERS, STRATEGIES


@OPTIM_WRAPPERS.register_module()
class BF16OptimWrapper(OptimWrapper):
    """Training under bfloat16 autocast, without loss scaling (bfloat16 has float32's range).

    Upstream's `AmpOptimWrapper` refuses to run without a GPU; mlgcn's commands take this one there.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """As upstream (gradient accumulation), under autocast."""
        with super().optim_context(model), torch.autocast(get_device(), torch.bfloat16):
            yield


@PARAM_SCHEDULERS.register_module()
class LinearWarmupLR(LinearLR):
    """mmengine's `LinearLR` that reaches `end_factor` at iteration `end`, not one before.

    At iteration t from `begin` to `end` the rate is multiplied by
    start_factor + (end_factor - start_factor) (t - begin) / (end - begin). This is mmcv 1.x's
    linear warm-up, with which GKGNet was trained; upstream's has end - begin - 1 in its place.
    Arguments are those of mmengine's `LinearLR`; `begin` and `end` count epochs with `by_epoch`.
    """

    def __init__(self, *args, end: int, **kwargs):
        super().__init__(*args, end=end + 1, **kwargs)


@STRATEGIES.register_module()
class FSDPStrategy(UpstreamStrategy):
    """Parameters, gradients and optimizer state, sharded over all processes.

    Upstream's calls torch with the arguments of torch 2.0 when it resumes, and clips every
    process's shards by the norm of those alone. With `state_dict_cfg='full'` checkpoints are those
    of a run that is not sharded.
    """

    def model_state_dict(self) -> dict:
        """Plain tensors: FSDP's have attributes, which the safe unpickler does not read back."""
        return {key: value.data for key, value in super().model_state_dict().items()}

    def load_optim_state_dict(self, state_dict: dict) -> None:
        """Give every process its part of the whole optimizer state."""
        split = FullyShardedDataParallel.optim_state_dict_to_load
        part = split(self.model, self.optim_wrapper.optimizer, state_dict)
        self.optim_wrapper.load_state_dict(part)

    def build_optim_wrapper(
        self, optim_wrapper: dict | BaseOptimWrapper, model: nn.Module | None = None
    ) -> BaseOptimWrapper:
        """The optimizer, clipping by the norm of the whole gradient."""
        built = super().build_optim_wrapper(optim_wrapper, model)
        if built.clip_func is nn.utils.clip_grad_norm_:
            built.clip_func = lambda parameters, **norm: model.clip_grad_norm_(**norm)
        return built


# Auto-wrap policy: every module with at least `min_num_params` parameters is one shard. But for
# heads, whose `loss` is called, and not the `forward` before which FSDP gathers weights.
wrap_large_modules = partial(
    size_based_auto_wrap_policy,
    exclude_wrap_modules={nn.ModuleList, nn.ModuleDict, MultiLabelClsHead},
)
