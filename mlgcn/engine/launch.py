"""Process groups and configs that work on the CPU too; which process reports a failure."""

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
from mmengine.dist import all_gather_object, master_only
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
        end_with_launcher()
    if torch.cuda.is_available():
        return
    if launcher == 'slurm':
        for name, slurm in SLURM.items():
            os.environ.setdefault(name, os.environ[slurm])
        if 'MASTER_ADDR' not in os.environ:
            os.environ['MASTER_ADDR'] = _first_slurm_host(os.environ['SLURM_NODELIST'])
    if launcher != 'none':
        if not torch.distributed.is_initialized():
            seconds = cfg.get('env_cfg', {}).get('dist_cfg', {}).get('timeout', 1800)
            torch.distributed.init_process_group('gloo', timeout=timedelta(seconds=seconds))
        cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None)
    adapt_to_cpu(cfg)


def end_with_launcher() -> None:
    """Let the kernel send this process SIGTERM when the launcher is killed (on Linux)."""
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _first_slurm_host(nodes: str) -> str:
    command = ['scontrol', 'show', 'hostnames', nodes]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]


def resume_after_restart(runner: Runner) -> None:
    """Where torchrun started the processes again (`MAX_RESTARTS`), resume what they have saved.

    Also where machines joined or left, which torchrun does not count as a restart: what tells is a
    checkpoint younger than tools/dist_run.py.
    """
    newest = Path(runner.work_dir, 'last_checkpoint')
    started = float(os.environ.get('MLGCN_STARTED', 'inf'))
    saved = newest.exists() and newest.stat().st_mtime > started
    if any(all_gather_object(saved)):
        runner._resume, runner._load_from = True, None


def process_name() -> str:
    """'process 3: ' in a run of several processes, else nothing: the start of a message."""
    rank = os.environ.get('RANK', os.environ.get('SLURM_PROCID'))
    alone = os.environ.get('WORLD_SIZE', os.environ.get('SLURM_NTASKS', '1')) == '1'
    return '' if rank is None or alone else f'process {rank}: '


def may_speak(message: str, consequence: bool) -> bool:
    """Whether this failing process should print: under torchrun only the machine's first one.

    Args:
        message: left where torchrun (tools/dist_run.py) finds it.
        consequence: the failure follows from another process's, which has the word.
    """
    record = os.environ.get('TORCHELASTIC_ERROR_FILE')  # .../attempt_0/RANK/error.json
    if not record:
        return True
    spoken = False
    if not consequence:
        try:
            (Path(record).parents[1] / 'spoken').touch(exist_ok=False)
            spoken = True
        except OSError:
            pass
    error = dict(message=message, timestamp=str(int(time.time())), spoken=spoken)
    Path(record).write_text(json.dumps(error))
    return spoken


def adapt_to_cpu(cfg: Config) -> None:
    """What torch offers on a GPU only, replaced by what a CPU has; every change is logged."""
    if cfg.get('sync_bn') is not None:
        cfg.sync_bn = None
        _tell('no GPU: BatchNorm is not synchronised between processes')
    if cfg.get('strategy') is not None and 'model_wrapper' in cfg.strategy:
        cfg.strategy.model_wrapper.device_id = 'cpu'
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
