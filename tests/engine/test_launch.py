"""What the tools change in a config on a machine without a GPU."""

import os
import signal
import time
from types import SimpleNamespace

import pytest
import torch
from machine import FORK, free_port
from mmengine.config import Config
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from mlgcn.engine.launch import (
    adapt_to_cpu,
    init_processes,
    process_name,
    record_failure,
    resume_after_restart,
)


def test_gpu_only_settings_are_replaced():
    wrapper = dict(type='AmpOptimWrapper', loss_scale='dynamic', optimizer=dict(type='SGD'))
    cfg = Config(
        dict(sync_bn='torch', optim_wrapper=wrapper, train_dataloader=dict(pin_memory=True))
    )
    adapt_to_cpu(cfg)
    assert cfg.sync_bn is None
    assert cfg.optim_wrapper == dict(type='mlgcn.BF16OptimWrapper', optimizer=dict(type='SGD'))
    assert cfg.train_dataloader.pin_memory is False


def test_shards_live_on_the_cpu():
    wrapper = dict(type='MMFullyShardedDataParallel')
    cfg = Config(dict(strategy=dict(type='mlgcn.FSDPStrategy', model_wrapper=wrapper)))
    adapt_to_cpu(cfg)
    assert cfg.strategy.model_wrapper.device_id == 'cpu'


def test_a_failure_is_left_for_the_launcher(monkeypatch, tmp_path):
    """In torchelastic's file of this process, which its `ProcessFailure` reads."""
    file = tmp_path / 'error.json'
    monkeypatch.setenv('TORCHELASTIC_ERROR_FILE', str(file))
    assert record_failure('connection closed', caused_by_peer=True)
    failure = ProcessFailure(local_rank=0, pid=1, exitcode=1, error_file=str(file))
    assert failure.message == 'connection closed'
    assert failure.error_file_data['caused_by_peer'] is True
    monkeypatch.delenv('TORCHELASTIC_ERROR_FILE')
    assert not record_failure('not under torchrun')


@pytest.mark.parametrize('env, name', [
    ({}, ''),
    ({'RANK': '0', 'WORLD_SIZE': '1'}, ''),
    ({'RANK': '3', 'WORLD_SIZE': '4'}, 'process 3: '),
    ({'SLURM_PROCID': '5', 'SLURM_NTASKS': '8'}, 'process 5: '),
])  # fmt: skip
def test_names_of_processes(monkeypatch, env, name):
    for variable in ('RANK', 'WORLD_SIZE', 'SLURM_PROCID', 'SLURM_NTASKS'):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in env.items():
        monkeypatch.setenv(variable, value)
    assert process_name() == name


@pytest.mark.parametrize('started, resume', [(None, False), (-100, True), (100, False)])
def test_what_this_launch_has_saved_is_resumed(monkeypatch, tmp_path, started, resume):
    """`started`: seconds between the checkpoint and the start of the launcher."""
    newest = tmp_path / 'last_checkpoint'
    newest.touch()
    monkeypatch.delenv('MLGCN_STARTED', raising=False)
    if started is not None:
        monkeypatch.setenv('MLGCN_STARTED', str(newest.stat().st_mtime + started))
    runner = SimpleNamespace(work_dir=str(tmp_path), _resume=False, _load_from='weights.pth')
    resume_after_restart(runner)
    assert (runner._resume, runner._load_from) == (
        (True, None) if resume else (False, 'weights.pth')
    )


def test_slurm_without_a_gpu_finds_the_first_machine(monkeypatch, tmp_path):
    """One process of one: the group forms with what SLURM and its scontrol say."""
    scontrol = tmp_path / 'scontrol'
    scontrol.write_text('#!/bin/sh\n[ "$*" = "show hostnames 127.0.0.[1-2]" ] && echo 127.0.0.1\n')
    scontrol.chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}:{os.environ["PATH"]}')
    monkeypatch.setattr(os, 'environ', os.environ.copy())
    slurm = dict(SLURM_PROCID='0', SLURM_LOCALID='0', SLURM_NTASKS='1')
    os.environ.update(slurm, SLURM_NODELIST='127.0.0.[1-2]', MASTER_PORT=free_port())
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    init_processes(Config(dict()), 'slurm')
    try:
        assert os.environ['MASTER_ADDR'] == '127.0.0.1'
        assert torch.distributed.get_backend() == 'gloo' and torch.distributed.get_rank() == 0
    finally:
        torch.distributed.destroy_process_group()


def child(pipe):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a run of another test may have taken it
    os.environ['TORCHELASTIC_RUN_ID'] = 'test'
    init_processes(Config(dict()), 'none')
    pipe.send(os.getpid())
    time.sleep(60)


def launcher(pipe):
    FORK.Process(target=child, args=(pipe,)).start()
    time.sleep(60)


def test_a_killed_launcher_takes_its_processes_along():
    ours, theirs = FORK.Pipe(duplex=False)
    parent = FORK.Process(target=launcher, args=(theirs,))
    parent.start()
    theirs.close()
    assert ours.poll(60) and ours.recv() > 0
    parent.kill()
    parent.join()
    assert ours.poll(30)  # its end is closed: the child is gone, long before it has slept
    with pytest.raises(EOFError):
        ours.recv()
