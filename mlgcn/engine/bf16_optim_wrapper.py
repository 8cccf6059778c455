"""Mixed precision without a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper
from torch import nn

from mlgcn.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BF16OptimWrapper(OptimWrapper):
    """Training under bfloat16 autocast, without loss scaling (bfloat16 has float32's range).

    Upstream's `AmpOptimWrapper` refuses to run without a GPU; mlgcn's tools take this one there.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """As upstream (gradient accumulation), under autocast."""
        with super().optim_context(model), torch.autocast(get_device(), torch.bfloat16):
            yield
