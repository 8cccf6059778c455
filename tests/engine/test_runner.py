"""The runner of a training: fitted to its data, checked before it starts."""

import pytest
from tiny import make_photos, write_config

from mlgcn.engine.config import ConfigError, read_config
from mlgcn.engine.model_hooks import WeightsHook
from mlgcn.engine.runner import build_runner
from mlgcn.engine.train_loop import ResumableTrainLoop


@pytest.fixture
def cfg(tmp_path):
    cfg = read_config(write_config(tmp_path, make_photos(tmp_path / 'photos', 6, 3)), {})
    cfg.work_dir = str(tmp_path / 'work')
    return cfg


def test_the_model_has_the_classes_of_the_data(cfg):
    runner = build_runner(cfg)
    assert runner.model.head.num_classes == 3
    assert list(runner.cfg.val_dataloader.dataset.classes) == ['box', 'disc', 'ring']
    assert any(isinstance(hook, WeightsHook) for hook in runner.hooks)
    dataset = runner._train_dataloader['dataset']
    assert len(dataset) == 6
    loop = runner.build_train_loop(runner._train_loop)
    assert isinstance(loop, ResumableTrainLoop) and len(loop.dataloader.dataset) == 6


@pytest.mark.parametrize('key, value, words', [
    ('train_dataloader.batch_size', 7, 'batch_size is 7.*6 images'),
    ('model.head.in_channels', 33, 'in_channels is 33.*32 channels'),
])  # fmt: skip
def test_what_would_fail_later_is_refused(cfg, key, value, words):
    cfg.merge_from_dict({key: value})
    with pytest.raises(ConfigError, match=words):
        build_runner(cfg)
