"""mmengine's FSDP strategy, made to resume and to clip gradients."""

from mmengine._strategy import FSDPStrategy as UpstreamStrategy
from mmengine.optim import BaseOptimWrapper
from mmpretrain.models.heads import MultiLabelClsHead
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.distributed.fsdp.wrap import size_based_auto_wrap_policy

from mlgcn.registry import STRATEGIES


@STRATEGIES.register_module()
class FSDPStrategy(UpstreamStrategy):
    """Parameters, gradients and optimiser state, sharded over all processes.

    Upstream's calls torch with the arguments of torch 2.0 when it resumes, and clips every
    process's shards by the norm of those alone. With `state_dict_cfg='full'` checkpoints are those
    of a run that is not sharded.
    """

    def load_optim_state_dict(self, state_dict: dict) -> None:
        """Give every process its part of the whole optimiser state."""
        part = FullyShardedDataParallel.optim_state_dict_to_load(
            self.model, self.optim_wrapper.optimizer, state_dict
        )
        self.optim_wrapper.load_state_dict(part)

    def build_optim_wrapper(
        self, optim_wrapper: dict | BaseOptimWrapper, model: nn.Module | None = None
    ) -> BaseOptimWrapper:
        """The optimiser, clipping by the norm of the whole gradient."""
        built = super().build_optim_wrapper(optim_wrapper, model)
        if built.clip_func is nn.utils.clip_grad_norm_:
            built.clip_func = lambda parameters, **norm: model.clip_grad_norm_(**norm)
        return built


def wrap_large_modules(
    module: nn.Module, recurse: bool, nonwrapped_numel: int, min_num_params: int
) -> bool:
    """Auto-wrap policy: every module with at least `min_num_params` parameters is one shard.

    But for heads, whose `loss` is called, and not the `forward` before which FSDP gathers weights.
    """
    return size_based_auto_wrap_policy(
        module,
        recurse,
        nonwrapped_numel,
        min_num_params=min_num_params,
        exclude_wrap_modules={nn.ModuleList, nn.ModuleDict, MultiLabelClsHead},
    )
