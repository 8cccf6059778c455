"""Values of the command line and the environment arrive as they were written."""

import pytest
from mmengine.config import Config

from mlgcn.engine.config import read_config
from mlgcn.engine.overrides import Text, resolve

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
