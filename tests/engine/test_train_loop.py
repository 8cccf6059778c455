"""Configs of the resumable loop; what it does is tested by test_resume and test_survive."""

import pytest
from mmengine.config import Config

from mlgcn.engine.config import ConfigError
from mlgcn.engine.train_loop import ResumableTrainLoop, use_resumable_loop

WORKER = dict(type='leave_process_group')


def test_epochs_become_resumable():
    loaders = dict(train_dataloader=dict(num_workers=2), val_dataloader=dict(num_workers=0))
    cfg = Config(dict(train_cfg=dict(by_epoch=True, max_epochs=2), **loaders))
    use_resumable_loop(cfg)
    assert cfg.train_cfg == dict(type='mlgcn.ResumableTrainLoop', max_epochs=2)
    assert cfg.train_dataloader.worker_init_fn == WORKER
    assert 'worker_init_fn' not in cfg.val_dataloader


@pytest.mark.parametrize('given', [dict(type='EpochBasedTrainLoop'), dict(by_epoch=False)])
def test_other_loops_stay(given):
    cfg = Config(dict(train_cfg=given, train_dataloader=dict()))
    use_resumable_loop(cfg)
    assert cfg.train_cfg == given


def test_a_batch_sampler_is_refused():
    with pytest.raises(ConfigError, match='train_dataloader.batch_sampler: .*EpochBasedTrainLoop'):
        ResumableTrainLoop(None, dict(batch_sampler=dict(type='BatchSampler')), max_epochs=1)
