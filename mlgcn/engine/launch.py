"""Process groups and configs that work on the CPU too; failures that the launcher reports."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed
from mmengine.config import Config
from mmengine.dist import all_gather_object, is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner

PR_SET_PDEATHSIG = 1  # of <linux/prctl.h>
SLURM = {'RANK': 'SLURM_PROCID', 'LOCAL_RANK': 'SLURM_LOCALID', 'WORLD_SIZE': 'SLURM_NTASKS'}


def init_processes(cfg: Config, launcher: str) -> None:
    """Set `cfg.launcher`; without a GPU, join a gloo group first and adapt the config.

    mmengine's own `init_dist` selects a CUDA device whatever the backend, so on a machine without
    one the group must exist before the Runner, and the model wrapper must not ask for a device.
    """
    cfg.launcher = launcher
    if 'TORCHELASTIC_RUN_ID' in os.environ:
        # the kernel sends this process SIGTERM when the launcher is killed
        end_with_parent(signal.SIGTERM)
    if torch.cuda.is_available():
        return
    if launcher == 'slurm':
        for name, slurm in SLURM.items():
            os.environ.setdefault(name, os.environ[slurm])
        if 'MASTER_ADDR' not in os.environ:
            command = ['scontrol', 'show', 'hostnames', os.environ['SLURM_NODELIST']]
            os.environ['MASTER_ADDR'] = subprocess.check_output(command, text=True).split()[0]
    if launcher != 'none':
        if not torch.distributed.is_initialized():
            seconds = cfg.get('env_cfg', {}).get('dist_cfg', {}).get('timeout', 1800)
            torch.distributed.init_process_group('gloo', timeout=timedelta(seconds=seconds))
        cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None)
    adapt_to_cpu(cfg)


def end_with_parent(signum: signal.Signals) -> None:
    """Let the kernel send this process a signal when the one that started it ends; Linux alone."""
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signum)


def adapt_to_cpu(cfg: Config) -> None:
    """Replace what torch offers on a GPU only; changes that move results are logged."""
    changes = []
    if cfg.get('sync_bn') is not None:
        cfg.sync_bn = None
        changes.append('BatchNorm is not synchronised between processes')
    if 'model_wrapper' in (cfg.get('strategy') or {}):
        cfg.strategy.model_wrapper.device_id = 'cpu'
    wrapper = cfg.get('optim_wrapper', {})
    if wrapper.get('type') == 'AmpOptimWrapper':
        wrapper.type = 'mlgcn.BF16OptimWrapper'
        for key in ('loss_scale', 'dtype', 'use_fsdp'):
            wrapper.pop(key, None)
        changes.append('mixed precision is bfloat16 instead of float16')
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if (cfg.get(name) or {}).get('pin_memory'):
            cfg[name].pin_memory = False
    for change in changes if is_main_process() else ():
        print_log(f'no GPU: {change}', logger='current')


def resume_after_restart(runner: Runner) -> None:
    """Where torchrun started the processes again (`MAX_RESTARTS`), resume what they have saved.

    Also where machines joined or left, which torchrun does not count as a restart: hence the
    comparison with the start of mlgcn/cli/launch.py, `MLGCN_STARTED`.
    """
    newest = Path(runner.work_dir, 'last_checkpoint')
    started = float(os.environ.get('MLGCN_STARTED', 'inf'))
    if any(all_gather_object(newest.exists() and newest.stat().st_mtime > started)):
        runner._resume, runner._load_from = True, None


def process_name() -> str:
    """'process 3: ' in a run of several processes, else nothing: the start of a message."""
    rank, size = (os.environ.get(n, os.environ.get(SLURM[n])) for n in ('RANK', 'WORLD_SIZE'))
    return '' if rank is None or size in (None, '1') else f'process {rank}: '


def record_failure(message: str, caused_by_peer: bool = False) -> bool:
    """Leave `message` for torchrun (mlgcn/cli/launch.py), which prints the first failure's.

    `torch.distributed.elastic`'s `@record` writes tracebacks with times in whole seconds, too
    coarse to tell the first failure from those that it causes.

    `caused_by_peer`: another process failed first; its message is printed instead. Returns False
    where torchrun did not start this process: it must print the message itself.
    """
    file = os.environ.get('TORCHELASTIC_ERROR_FILE')
    if not file:
        return False
    failure = dict(message=message, timestamp=time.time(), caused_by_peer=caused_by_peer)
    Path(file).write_text(json.dumps(failure))
    return True
