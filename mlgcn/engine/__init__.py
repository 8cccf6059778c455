"""Runs that survive: checkpoints, resumption, finite losses, processes; changes to upstream."""

from . import upstream_patches
from .checkpoint_hook import RunCheckpointHook
from .data_hooks import LabelGraphHook, SkippedImagesHook
from .finite_hook import FiniteHook
from .model_hooks import MetadataHook, WeightsHook
from .optim import BF16OptimWrapper, FSDPStrategy, LinearWarmupLR
from .resume import ResumeHook
from .train_loop import ResumableTrainLoop

upstream_patches.install()

__all__ = [
    'BF16OptimWrapper',
    'FSDPStrategy',
    'FiniteHook',
    'LabelGraphHook',
    'LinearWarmupLR',
    'MetadataHook',
    'ResumableTrainLoop',
    'ResumeHook',
    'RunCheckpointHook',
    'SkippedImagesHook',
    'WeightsHook',
    'upstream_patches',
]
