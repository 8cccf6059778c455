"""Runs that survive: checkpoints, resumption, finite losses, processes; changes to upstream."""

from . import upstream_patches
from .checkpoint_hook import RunCheckpointHook
from .finite_hook import FiniteHook
from .label_graph_hook import LabelGraphHook
from .metadata_hook import MetadataHook
from .optim import BF16OptimWrapper, FSDPStrategy, LinearWarmupLR
from .resume import ResumeHook
from .skipped_images_hook import SkippedImagesHook
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
    'upstream_patches',
]
