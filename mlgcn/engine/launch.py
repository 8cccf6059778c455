"""Process groups that work on the CPU too."""

import os

import torch
import torch.distributed
from mmengine.config import Config

SLURM = {'RANK': 'SLURM_PROCID', 'LOCAL_RANK': 'SLURM_LOCALID', 'WORLD_SIZE': 'SLURM_NTASKS'}


def init_processes(cfg: Config, launcher: str) -> None:
    """Set `cfg.launcher`; without a GPU, join a gloo group first.

    mmengine's own `init_dist` selects a CUDA device whatever the backend, so on a machine without
    one the group must exist before the Runner, and the model wrapper must not ask for a device.
    """
    cfg.launcher = launcher
    if launcher == 'none' or torch.cuda.is_available():
        return
    if launcher == 'slurm':
        for name, slurm in SLURM.items():
            os.environ.setdefault(name, os.environ[slurm])
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None)
