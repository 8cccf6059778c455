"""What upstream's engine lacks: safe loading, checks before training, CPU process groups."""

from mlgcn.checkpoints import Pretrained

from . import upstream_patches
from .bf16_optim_wrapper import BF16OptimWrapper
from .checkpoint_hook import RunCheckpointHook
from .finite_hook import FiniteHook
from .fsdp_strategy import FSDPStrategy
from .linear_warmup import LinearWarmupLR
from .passport_hook import PassportHook
from .resume_hook import ResumeHook
from .skipped_images_hook import SkippedImagesHook
from .train_loop import ResumableTrainLoop

upstream_patches.install()

__all__ = [
    'BF16OptimWrapper',
    'FSDPStrategy',
    'FiniteHook',
    'LinearWarmupLR',
    'PassportHook',
    'Pretrained',
    'ResumableTrainLoop',
    'ResumeHook',
    'RunCheckpointHook',
    'SkippedImagesHook',
    'upstream_patches',
]
