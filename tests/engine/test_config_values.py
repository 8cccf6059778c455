"""Values of configs: as they were typed, and those that would fail late, found early."""

import pytest
from mmengine.config import Config
from tiny import write_config

from mlgcn.engine.config import read_config
from mlgcn.engine.config_values import ConfigError, Text, check_seed, resolve

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


CFG = Config(
    dict(
        own=dict(train=''),
        load_from=None,
        lr=0.1,
        loader=dict(dataset=dict(ann_file='a.csv', classes=None)),
        steps=[dict(name='x', size=1)],
    )
)


@pytest.mark.parametrize(
    'text',
    ['a b', 'a,b', '[a', '(1,2)', '2024', '007', 'True', 'None', "it's", ' x ', '1e5', 'a=b', ''],
)
@pytest.mark.parametrize(
    'key', ['own.train', 'own.images', 'load_from', 'loader.dataset.ann_file', 'steps.0.name']
)
def test_text_stays_text(key, text):
    value = resolve(CFG, {key: Text(text)})[key]
    assert (value, type(value)) == (text, str)


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('0.5', 0.5),
        ('8', 8),
        ('true', True),
        ('None', None),
        ('[traffic light, dog]', ['traffic light', 'dog']),
        ('(1, 2)', (1, 2)),
        ('[(1,2),[a b]]', [(1, 2), ['a b']]),
        ('a,b', ['a', 'b']),
        ("['a b','c']", ['a b', 'c']),
    ],
)
def test_other_values_are_read(text, value):
    for key in ('lr', 'loader.dataset.classes', 'steps.0.size'):
        assert resolve(CFG, {key: Text(text)})[key] == value
    assert resolve(CFG, {'lr': text})['lr'] == text  # from Python


@pytest.mark.parametrize('text', ["{'type': 'SGD'}", 'dict(type=SGD)'])
def test_a_section_is_given_key_by_key(text):
    with pytest.raises(ValueError, match=r'lr=.*lr\.KEY='):
        resolve(CFG, {'lr': Text(text)})


@pytest.mark.parametrize('text', ["[dict(type='A', b=5)]", '[{"a": 1}]', "(1, dict(type='A'))"])
def test_a_list_of_sections_is_refused(text):
    with pytest.raises(ValueError, match=r'lr=.*into a config file.*lr\.0\.KEY='):
        resolve(CFG, {'lr': Text(text)})


def test_brackets_that_do_not_match():
    with pytest.raises(ValueError, match=r'lr=\[1,2'):
        resolve(CFG, {'lr': Text('[1,2')})


@pytest.mark.parametrize('name', ["it's", 'a "b"', 'C:\\data', "\\'", 'plain', 'été 2', 'a\nb'])
def test_folder_names_in_the_environment(tmp_path, monkeypatch, name):
    (tmp_path / 'config.py').write_text("folder = '{{$MLGCN_DATA:data}}/coco'\n")
    monkeypatch.setenv('MLGCN_DATA', name)
    assert read_config(tmp_path / 'config.py', {}).folder == f'{name}/coco'


def test_numbers_of_own_photographs_are_numbers():
    cfg = Config(dict(own=dict(train='', size=320)))
    given = {'own.size': Text('224'), 'own.train': Text('224')}
    assert resolve(cfg, given) == {'own.size': 224, 'own.train': '224'}
