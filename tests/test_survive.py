"""Runs that are killed at any moment and resumed end as the run that never was.

Processes are forked from a server that has imported torch, and killed by their pid. The number of
random kills per model is 3, or what the environment variable MLGCN_KILLS says.
"""

import json
import multiprocessing
import os
import random
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from machine import free_port
from mmengine.runner import ValLoop
from tiny import ROOT, make_photos, write_config

from mlgcn.checkpoints import fingerprint
from mlgcn.checkpoints.safe_load import safe_load
from mlgcn.engine import checkpoint_hook
from mlgcn.engine.checkpoint_hook import RunCheckpointHook
from mlgcn.engine.train_loop import ResumableTrainLoop
from mlgcn.evaluation import MultiLabelScores

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get('MLGCN_KILLS', 3))
SLACK = 300  # seconds after which a process counts as hung
server = multiprocessing.get_context('forkserver')
ROOMS = ('cli.train', 'cli.faults', 'models', 'evaluation', 'datasets', 'features')
HOOKS = ('hooks', 'optim')
server.set_forkserver_preload([
    *(f'mlgcn.{room}' for room in ROOMS), *(f'mlgcn.engine.{name}' for name in HOOKS),
    'mmpretrain.engine', 'mmpretrain.visualization', 'matplotlib.pyplot', 'yapf',
])  # fmt: skip

AUGMENTED = """
train_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='mlgcn.TrivialAugment'),
    dict(type='mlgcn.MultiScaleCrop', size={size}),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='Resize', scale=({size}, {size}), backend='pillow'),
    dict(type='PackInputs'),
]
train_dataloader.update(num_workers={workers}, persistent_workers={workers} > 0)
train_dataloader['dataset'].update(pipeline=train_pipeline)
val_dataloader.update(num_workers={workers}, persistent_workers={workers} > 0)
val_dataloader['dataset'].update(pipeline=test_pipeline)
default_hooks = dict(checkpoint=dict(every_iters=2), logger=dict(interval=2))
train_cfg = dict(max_epochs=3, val_interval=1)
"""
# 6 iterations an epoch: the accumulation is open at the end of an epoch and at most saves
ADDGCN = """
custom_hooks = [dict(type='EMAHook', momentum=0.1, priority='ABOVE_NORMAL')]
optim_wrapper = dict(accumulative_counts=4)
"""
GKGNET = """
widths = (8, 8, 16, 16)
model = dict(
    type='ImageClassifier',
    backbone=dict(type='mlgcn.PyramidViG', arch=(widths, (1, 1, 1, 1)), k=3, img_size=64,
                  out_indices=(0, 1, 2, 3), drop_path_rate=0.2),
    neck=dict(type='mlgcn.LabelGraphNeck', num_classes=None, in_channels=widths, k=3),
    head=dict(type='mlgcn.GKGHead', num_classes=None, in_channels=16,
              loss=dict(bce_loss=dict(type='mlgcn.BinaryCrossEntropy'))),
)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=1e-3))
"""
MODELS = {
    'addgcn': (AUGMENTED.format(size=32, workers=2) + ADDGCN),
    'gkgnet': (AUGMENTED.format(size=64, workers=0) + GKGNET),
}


def train(config, work_dir, log, arguments=(), fault=None, environment=None):
    """The body of a process: tools/train.py, all output in `log`."""
    os.chdir(ROOT)
    os.environ.update(environment or {})
    torch.set_num_threads(1)
    with open(log, 'ab', buffering=0) as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.argv = ['tools/train.py', str(config), '--work-dir', str(work_dir), '--seed', '7']
    sys.argv += map(str, arguments)
    if fault is not None:
        FAULTS[fault]()
    runpy.run_path('tools/train.py', run_name='__main__')


def start(config, work_dir, *arguments, fault=None):
    log = Path(work_dir).with_suffix('.log')
    process = server.Process(target=train, args=(config, work_dir, log, arguments, fault))
    process.start()
    return process


def start_two(config, work_dir, *arguments):
    """Two processes as torchrun starts them."""
    common = dict(MASTER_ADDR='127.0.0.1', MASTER_PORT=free_port())
    common |= dict(WORLD_SIZE='2', LOCAL_WORLD_SIZE='2')
    common['MLGCN_COMMAND'] = f'bash tools/dist_train.sh {config} 2'  # as that script sets it
    arguments = ('--launcher', 'pytorch', *arguments)
    processes = []
    for rank in ('0', '1'):
        log = Path(work_dir).with_suffix('.log' if rank == '0' else '.rank1.log')
        more = dict(fault=None, environment={**common, 'RANK': rank, 'LOCAL_RANK': rank})
        processes.append(
            server.Process(target=train, args=(config, work_dir, log, arguments), kwargs=more)
        )
        processes[-1].start()
    return processes


def finish(process, *statuses):
    process.join(SLACK)
    assert process.exitcode in statuses


def log_of(work_dir):
    return Path(work_dir).with_suffix('.log').read_text()


def outcome(work_dir):
    """What must be equal: files, their weights, averages, moments and scores, the last metrics."""
    result = {}
    for path in sorted(Path(work_dir).glob('*.pth')):
        file = safe_load(path)
        moments = file.get('optimizer', {}).get('state', {})
        result[path.name] = (
            fingerprint(file['state_dict']),
            fingerprint(file.get('ema_state_dict', {})),
            {i: fingerprint(dict(sorted(state.items()))) for i, state in moments.items()},
            file['meta']['epoch'],
            file['meta']['mlgcn_metadata'].get('metrics'),
            file['message_hub']['runtime_info'].get('best_score'),
        )
    scalars = sorted(Path(work_dir).glob('*/vis_data/scalars.json'))[-1].read_text().splitlines()
    metrics = [line for line in map(json.loads, scalars) if 'mAP' in line][-1]
    result['metrics'] = {k: v for k, v in metrics.items() if 'time' not in k}
    assert not list(Path(work_dir).glob('.*.tmp')), 'nothing half-written stays'
    return result


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('survive')
    make_photos(folder / 'photos', num_train=24, num_val=9)
    return folder


@pytest.fixture(scope='module', params=MODELS)
def whole(request, folder):
    """(folder, config, seconds, outcome) of a run that was never killed."""
    own = folder / request.param
    own.mkdir()
    config = write_config(own, folder / 'photos', extra=MODELS[request.param])
    began = time.monotonic()
    finish(start(config, own / 'whole'), 0)
    return own, config, time.monotonic() - began, outcome(own / 'whole')


def test_killed_at_random_moments(whole):
    """Delays are counted from the first line of training; a run that ends earlier is replaced."""
    own, config, seconds, expected = whole
    draw, kills, runs = random.Random(0), 0, 0
    for _ in range(4 * KILLS):
        work_dir = own / f'random{runs}'
        process = start(config, work_dir, '--resume')
        wait_for(work_dir, 'batches of', process)
        process.join(draw.uniform(0, 0.5) * seconds)
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.join(SLACK)
        if process.exitcode == 0:
            assert outcome(work_dir) == expected
            seconds, runs = seconds / 2, runs + 1
        else:
            assert process.exitcode == -signal.SIGKILL
        if kills == KILLS:
            break
    assert kills == KILLS
    finish(start(config, work_dir, '--resume'), 0)
    assert outcome(work_dir) == expected


def wait_for(work_dir, text, process):
    """Until the log of a process that is about to start has `text` once more."""
    path, end = Path(work_dir).with_suffix('.log'), time.monotonic() + SLACK
    before = path.read_text().count(text) if path.exists() else 0
    while time.monotonic() < end and process.is_alive():
        if path.exists() and path.read_text().count(text) > before:
            return
        time.sleep(0.02)


def kill_at(count, owner, name, signum=signal.SIGKILL):
    """Replace `owner.name` by what kills this process when it is called for the `count`th time."""
    calls, function = iter(range(1, count)), getattr(owner, name)

    def counted(*args, **kwargs):
        if next(calls, None) is None:
            os.kill(os.getpid(), signum)
        return function(*args, **kwargs)

    setattr(owner, name, counted)


# Exact moments, one after the other in one work dir. Every atomic write calls fsync twice, before
# and after it renames; a checkpoint is followed by the write of last_checkpoint.
FAULTS = {
    'before the first checkpoint': lambda: kill_at(2, ResumableTrainLoop, 'run_iter'),
    'first checkpoint half written': lambda: kill_at(1, os, 'fsync'),
    'last_checkpoint half written': lambda: kill_at(7, os, 'fsync'),
    'within an epoch': lambda: kill_at(3, ResumableTrainLoop, 'run_iter'),
    'in validation': lambda: kill_at(2, ValLoop, 'run_iter'),
    'at the end of validation': lambda: kill_at(1, MultiLabelScores, 'compute_metrics'),
    'best checkpoint half written': lambda: kill_at(1, RunCheckpointHook, '_remove_outdated'),
    'best checkpoint written': lambda: kill_at(2, RunCheckpointHook, '_remove_outdated'),
    'epoch written, old ones not removed': lambda: kill_at(1, checkpoint_hook, 'remove_mid_epochs'),
    'last validation': lambda: kill_at(2, ValLoop, 'run_iter'),
    # not a kill
    'SIGINT in validation': lambda: kill_at(2, ValLoop, 'run_iter', signal.SIGINT),
}


def test_killed_at_exact_moments(whole):
    own, config, _, expected = whole
    for fault in [name for name in FAULTS if 'SIGINT' not in name]:
        process = start(config, own / 'exact', '--resume', fault=fault)
        process.join(SLACK)
        assert process.exitcode == -signal.SIGKILL, f'{fault}: {log_of(own / "exact")[-2000:]}'
    finish(start(config, own / 'exact', '--resume'), 0)
    assert outcome(own / 'exact') == expected
    assert 'starting from the beginning' in log_of(own / 'exact')


def test_a_damaged_checkpoint(whole):
    own, config, _, expected = whole
    work_dir = own / 'damaged'
    shutil.copytree(own / 'whole', work_dir)
    last = work_dir / 'epoch_3.pth'
    last.write_bytes(last.read_bytes()[: last.stat().st_size // 2])
    finish(start(config, work_dir, '--resume'), 0)
    assert 'epoch_3.pth is skipped' in log_of(work_dir)
    assert 'resumed epoch: 2' in log_of(work_dir)
    assert outcome(work_dir) == expected


@pytest.mark.parametrize('whole', ['addgcn'], indirect=True)
def test_a_signal_to_the_process_group(whole):
    """As `timeout` or a job scheduler sends it; the command that is printed resumes."""
    own, config, _, expected = whole
    command = [sys.executable, 'tools/train.py', str(config), '--seed', '7']
    command += ['--work-dir', str(own / 'signal'), '--verbose']
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    with open(own / 'signal.log', 'w') as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    process.is_alive = lambda: process.poll() is None
    wait_for(own / 'signal', 'Epoch(train) [1][2/6]', process)
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(SLACK) == 128 + signal.SIGTERM, log_of(own / 'signal')[-2000:]
    text = log_of(own / 'signal')
    assert 'DataLoader worker' not in text and 'Traceback' not in text
    command_line = text.split('Go on with:')[1].splitlines()[1].strip()
    assert command_line == shlex.join([*command, '--resume'])
    finish(start(config, own / 'signal', '--resume'), 0)
    assert outcome(own / 'signal') == expected


@pytest.mark.parametrize('whole', ['gkgnet'], indirect=True)
def test_a_signal_in_validation(whole):
    own, config, _, expected = whole
    process = start(config, own / 'val', fault='SIGINT in validation')
    finish(process, 128 + signal.SIGINT)
    text = log_of(own / 'val')
    assert 'SIGINT: stopped; the last checkpoint is' in text and 'epoch_1.pth. Go on' in text
    finish(start(config, own / 'val', '--resume'), 0)
    assert outcome(own / 'val') == expected


@pytest.mark.parametrize('whole', ['addgcn'], indirect=True)
def test_two_processes(whole):
    """A signal to one stops both; two go on as if never stopped, one from the epoch's beginning."""
    own, config, _, _ = whole
    for process in start_two(config, own / 'two'):
        finish(process, 0)
    every = ('--verbose', '--cfg-options', 'default_hooks.logger.interval=1')
    first, second = start_two(config, own / 'stopped', *every)
    wait_for(own / 'stopped', 'Epoch(train) [2][1/3]', first)
    os.kill(second.pid, signal.SIGTERM)
    finish(first, 128 + signal.SIGTERM)
    finish(second, 128 + signal.SIGTERM)
    assert f'bash tools/dist_train.sh {config} 2 --resume' in log_of(own / 'stopped')
    shutil.copytree(own / 'stopped', own / 'alone')
    for process in start_two(config, own / 'stopped', '--resume'):
        finish(process, 0)
    assert outcome(own / 'stopped') == outcome(own / 'two')
    finish(start(config, own / 'alone', '--resume'), 0)
    assert 'of 2 processes with 3 iterations an epoch, but now there are 1 with 6' in log_of(
        own / 'alone'
    )
    assert 'going on from the beginning of epoch 2' in log_of(own / 'alone')
