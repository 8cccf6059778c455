"""Configs by path and by name."""

import pytest

from mlgcn.apis.shipped_configs import CONFIGS, find_config, is_config
from mlgcn.engine.config import ConfigError


def test_names_and_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = CONFIGS / 'addgcn/addgcn_scenes.py'
    for word in ('addgcn_scenes', 'configs/addgcn/addgcn_scenes.py', expected):
        assert find_config(word) == expected
    (tmp_path / 'addgcn_scenes.py').touch()
    assert find_config('addgcn_scenes.py').samefile(tmp_path / 'addgcn_scenes.py')


@pytest.mark.parametrize(
    ('word', 'facts'),
    [
        ('adgcn_scenes', "adgcn_scenes: .*did you mean 'addgcn_scenes'"),
        ('other/addgcn_scenes.py', 'other/addgcn_scenes.py: no such config file'),
        ('weights.pth', 'weights.pth: not a config'),
        ('train.csv', 'train.csv: not a config .*own.train=train.csv'),
    ],
)
def test_what_is_no_config(tmp_path, monkeypatch, word, facts):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'weights.pth').touch()
    (tmp_path / 'train.csv').touch()
    with pytest.raises(ConfigError, match=facts):
        find_config(word)


def test_words_of_a_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'checkpoint').touch()
    words = ['own.py', 'addgcn_scenes', 'best.pth', 'checkpoint']
    assert [is_config(word) for word in words] == [True, True, False, False]
