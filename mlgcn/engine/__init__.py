"""What upstream's engine lacks: safe loading, checks before training, CPU process groups."""

from . import loaders, safe_load
from .bf16_optim_wrapper import BF16OptimWrapper
from .linear_warmup import LinearWarmupLR
from .passport_hook import PassportHook
from .pretrained import Pretrained

loaders.install()

__all__ = [
    'BF16OptimWrapper',
    'LinearWarmupLR',
    'PassportHook',
    'Pretrained',
    'loaders',
    'safe_load',
]
