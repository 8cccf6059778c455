"""When a run is saved, what is kept, and what is not."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from tiny_run import Numbers, runner

from mlgcn.engine import checkpoint_hook
from mlgcn.engine.checkpoint_hook import RunCheckpointHook


class Watch(Hook):
    """The checkpoints after every iteration; `change` is called before each."""

    priority = 'LOWEST'

    def __init__(self, change=lambda runner: None):
        self.change = change
        self.files = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.change(runner)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.files.append(sorted(p.stem for p in Path(runner.work_dir).glob('*.pth')))


def train(tmp_path, watch, **options):
    hook = dict(type='mlgcn.RunCheckpointHook', max_keep_ckpts=1, **options)
    run = runner(tmp_path / 'run', Numbers(8), dict(checkpoint=hook), custom_hooks=[watch])
    run.train()
    return run


def test_every_iterations(tmp_path):
    watch = Watch()
    train(tmp_path, watch, interval=1, every_iters=3)
    none, first, second = [], ['mid_epoch_0'], ['epoch_1', 'mid_epoch_1']
    assert watch.files == [none, none, first, first, ['epoch_1'], ['epoch_1'], second, second]


def test_every_minutes(tmp_path, monkeypatch):
    clock = iter(range(0, 6000, 40))
    monkeypatch.setattr(checkpoint_hook.time, 'monotonic', lambda: next(clock))
    watch = Watch()
    train(tmp_path, watch, interval=1, every_minutes=2)
    assert watch.files[1] == [] and watch.files[2] == ['mid_epoch_0']


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    def spoil(run):
        if run.epoch:
            with torch.no_grad():
                run.model.linear.weight.fill_(torch.nan)

    train(tmp_path, Watch(spoil), interval=1)
    assert (tmp_path / 'run/epoch_1.pth').exists()
    assert not (tmp_path / 'run/epoch_2.pth').exists()
    assert (tmp_path / 'run/last_checkpoint').read_text().endswith('epoch_1.pth')
    text = next((tmp_path / 'run').glob('*/*.log')).read_text()
    assert 'epoch_2.pth is not written: weights are not finite' in text


def test_an_old_checkpoint_goes_after_the_new_one_is_there(tmp_path, monkeypatch):
    def full(path, data):
        raise OSError('full')

    target = 'mlgcn.checkpoints.metadata.write_atomically'
    watch = Watch(lambda run: monkeypatch.setattr(target, full)
                  if run.epoch else None)  # fmt: skip
    with pytest.raises(OSError, match='full'):
        train(tmp_path, watch, interval=1)
    assert (tmp_path / 'run/epoch_1.pth').exists()


def test_the_best_is_replaced_by_a_better_one_that_is_there(tmp_path):
    info = {}
    hub = SimpleNamespace(runtime_info=info, get_info=info.get, update_info=info.__setitem__)
    saved = []

    def save(out_dir, filename, **kwargs):
        saved.append(sorted(p.name for p in tmp_path.iterdir()))
        (tmp_path / filename).touch()

    logger = SimpleNamespace(info=lambda text: None)
    run = SimpleNamespace(message_hub=hub, epoch=1, iter=4, save_checkpoint=save, logger=logger)
    hook = RunCheckpointHook(interval=1, save_best='mAP', rule='greater')
    hook.out_dir = str(tmp_path)
    hook.file_backend = SimpleNamespace(join_path=lambda *parts: '/'.join(parts), isfile=None)
    for epoch, score in ((1, 50.0), (2, 40.0), (3, 60.0)):
        run.epoch = epoch
        hook.after_val_epoch(run, dict(mAP=score))
        hook.after_val(run)
    assert saved == [[], ['best_mAP_epoch_1.pth']]
    assert [p.name for p in tmp_path.iterdir()] == ['best_mAP_epoch_3.pth']


def test_a_mistyped_key():
    with pytest.raises(ValueError, match="takes no 'every_iter'; did you mean 'every_iters'"):
        RunCheckpointHook(every_iter=3)
