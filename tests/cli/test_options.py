"""Options that commands share: what they stand for, and wrong ones in one line."""

import argparse

import pytest

from mlgcn.checkpoints import safe_load
from mlgcn.cli import options
from mlgcn.engine.config import ConfigError
from mlgcn.engine.overrides import Text


def parsed(*words):
    parser = options.Parser()
    options.add(parser, '--cfg-options', '--trust-checkpoint', '--top-k')
    return parser.parse_args(words)


def test_values_of_config_keys_are_the_shells_text():
    given = parsed('--cfg-options', 'a.b=1', 'c=x=y', '--cfg-options', 'd=').cfg_options
    assert given == {'a.b': '1', 'c': 'x=y', 'd': ''}
    assert all(type(value) is Text for value in given.values())


@pytest.mark.parametrize('words, facts', [
    (['--cfg-options', 'a', '=', '1'], ["'a'", 'KEY=VALUE']),
    (['--cfg-options', '=1'], ["'=1'", 'KEY=VALUE']),
    (['--cfg-options', 'a=1', 'a=2'], ['a:', 'twice', "'1'", "'2'"]),
    (['--top-kk', '3'], ['--top-kk', '--top-k', '--help']),
    (['--top-k', 'x'], ['--top-k', "'x'"]),
])  # fmt: skip
def test_wrong_options(words, facts):
    with pytest.raises(ConfigError) as error:
        parsed(*words)
    assert all(fact in str(error.value) for fact in facts), error.value


def test_trust_takes_effect_while_the_command_line_is_read(monkeypatch):
    monkeypatch.setattr(safe_load, '_trusting', False)
    parsed()
    assert not safe_load._trusting
    parsed('--trust-checkpoint')
    assert safe_load._trusting


@pytest.mark.parametrize('words, images, expected', [
    (['a.pth'], False, (None, 'a.pth', [])),
    (['addgcn_scenes', 'a.pth'], False, ('addgcn_scenes', 'a.pth', [])),
    (['c.py', 'a.pth', 'x.jpg', 'y'], True, ('c.py', 'a.pth', ['x.jpg', 'y'])),
    (['a.pth', 'x.jpg'], True, (None, 'a.pth', ['x.jpg'])),
    (['c.py', 'a.pth', 'x.jpg'], False, '3 files'),
    (['c.py', 'a.pth'], True, 'at least one image'),
])  # fmt: skip
def test_config_checkpoint_and_images(words, images, expected):
    if isinstance(expected, tuple):
        assert options.split_model(words, images) == expected
    else:
        with pytest.raises(ConfigError, match=expected):
            options.split_model(words, images)


def test_a_file_to_write(tmp_path):
    assert options.check_new(tmp_path / 'a.npz', False, '.npz') == tmp_path / 'a.npz'
    with pytest.raises(ValueError, match='a.npz: expected .*.pth or .pt2'):
        options.check_new(tmp_path / 'a.npz', False, '.pth', '.pt2')
    (tmp_path / 'a.npz').touch()
    with pytest.raises(FileExistsError, match='a.npz exists'):
        options.check_new(tmp_path / 'a.npz', False)
    options.check_new(tmp_path / 'a.npz', force=True)
    with pytest.raises(PermissionError, match='no/a.npz'):
        options.check_new(tmp_path / 'no/a.npz', False)


def test_training_labels_need_no_images(tmp_path):
    (tmp_path / 'train.csv').write_text('absent.jpg,cat\nother.jpg,dog\n')
    keys = {'own.train': f'{tmp_path}/train.csv', 'own.val': f'{tmp_path}/train.csv'}
    args = argparse.Namespace(config='addgcn_own_448', cfg_options=keys)
    photos = options.training_labels(args)
    assert photos.metainfo['classes'] == ('cat', 'dog') and len(photos) == 2
