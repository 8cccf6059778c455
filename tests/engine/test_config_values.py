"""Values that would fail late: the key, what is seen and what is expected."""

import pytest
from tiny import write_config

from mlgcn.engine.config import read_config
from mlgcn.engine.config_values import ConfigError, check_seed

NAN = float('nan')


@pytest.mark.parametrize('key, value', [
    *[('optim_wrapper.optimizer.lr', value) for value in (-1, NAN, float('inf'), None)],
    ('optim_wrapper.optimizer.momentum', -1), ('optim_wrapper.optimizer.weight_decay', NAN),
    # gradients times nothing, or up the hill
    *[('optim_wrapper.clip_grad.max_norm', value) for value in (0, -1, NAN)],
    ('optim_wrapper.accumulative_counts', 0), ('default_hooks.logger.interval', 0),
    *[('train_cfg.max_epochs', value) for value in (0, -1, 2.5)],
    *[('train_dataloader.batch_size', value) for value in (0, -3, 3.5, True, None)],
    ('val_dataloader.batch_size', None), ('val_dataloader.num_workers', -1),
    *[('randomness.seed', value) for value in (-5, 2**32, 1.5)],
    ('model.head.thr', 2), ('own.size', 0), ('log_level', 'LOUD'),
    ('default_scope', 'mmpretrian'),
    *[('data_preprocessor.std', value) for value in ([0, 0, 0], [1, 2], 'x', [1, 2, NAN])],
    ('data_preprocessor.mean', [1, 2]),
])  # fmt: skip
def test_the_key_is_named(tmp_path, key, value):
    with pytest.raises(ConfigError, match=f'^{key}: ') as error:
        read_config(write_config(tmp_path, tmp_path / 'photos'), {key: value})
    assert str(value) in str(error.value)


@pytest.mark.parametrize('key, value', [
    ('optim_wrapper.optimizer.lr', 0), ('optim_wrapper.clip_grad.max_norm', 1e-3),
    ('data_preprocessor.mean', 127.5), ('log_level', 'WARNING'), ('randomness.seed', 2**32 - 1),
    ('default_scope', 'mlgcn'), ('default_scope', 'another_library'),
])  # fmt: skip
def test_values_that_fit(tmp_path, key, value):
    read_config(write_config(tmp_path, tmp_path / 'photos'), {key: value})


def test_seeds_of_the_command_line():
    check_seed(None, '--seed')
    for seed in (-1, 10**12):
        with pytest.raises(ConfigError, match=f'--seed: {seed} seen'):
            check_seed(seed, '--seed')
