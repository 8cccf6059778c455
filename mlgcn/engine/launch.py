"""Process groups and configs that work on the CPU too."""

import os

import torch
import torch.distributed
from mmengine.config import Config
from mmengine.dist import master_only
from mmengine.logging import print_log

SLURM = {'RANK': 'SLURM_PROCID', 'LOCAL_RANK': 'SLURM_LOCALID', 'WORLD_SIZE': 'SLURM_NTASKS'}


def init_processes(cfg: Config, launcher: str) -> None:
    """Set `cfg.launcher`; without a GPU, join a gloo group first and adapt the config.

    mmengine's own `init_dist` selects a CUDA device whatever the backend, so on a machine without
    one the group must exist before the Runner, and the model wrapper must not ask for a device.
    """
    cfg.launcher = launcher
    if torch.cuda.is_available():
        return
    if launcher == 'slurm':
        for name, slurm in SLURM.items():
            os.environ.setdefault(name, os.environ[slurm])
    if launcher != 'none':
        if not torch.distributed.is_initialized():
            torch.distributed.init_process_group('gloo')
        cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None)
    adapt_to_cpu(cfg)


def adapt_to_cpu(cfg: Config) -> None:
    """What torch offers on a GPU only, replaced by what a CPU has; every change is logged."""
    if cfg.get('sync_bn') is not None:
        cfg.sync_bn = None
        _tell('no GPU: BatchNorm is not synchronised between processes')
    wrapper = cfg.get('optim_wrapper', {})
    if wrapper.get('type') == 'AmpOptimWrapper':
        wrapper.type = 'mlgcn.BF16OptimWrapper'
        for key in ('loss_scale', 'dtype', 'use_fsdp'):
            wrapper.pop(key, None)
        _tell('no GPU: mixed precision is bfloat16 instead of float16')
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if cfg.get(loader) is not None and cfg[loader].get('pin_memory'):
            cfg[loader].pin_memory = False


@master_only
def _tell(text: str) -> None:
    print_log(text, logger='current')
