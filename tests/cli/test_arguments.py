"""What the arguments of several commands stand for; wrong ones in one line."""

import argparse

import pytest

from mlgcn.cli import arguments
from mlgcn.engine.config import ConfigError


@pytest.mark.parametrize('words, images, expected', [
    (['a.pth'], False, (None, 'a.pth', [])),
    (['addgcn_scenes', 'a.pth'], False, ('addgcn_scenes', 'a.pth', [])),
    (['c.py', 'a.pth', 'x.jpg', 'y'], True, ('c.py', 'a.pth', ['x.jpg', 'y'])),
    (['a.pth', 'x.jpg'], True, (None, 'a.pth', ['x.jpg'])),
    (['c.py', 'a.pth', 'x.jpg'], False, '3 files'),
    (['c.py', 'a.pth'], True, 'at least one image'),
    (['a.pth', 'c.py', 'x.jpg'], True, 'c.py: a config after a.pth'),
])  # fmt: skip
def test_config_checkpoint_and_images(words, images, expected):
    if isinstance(expected, tuple):
        assert arguments.split_model(words, images) == expected
    else:
        with pytest.raises(ConfigError, match=expected):
            arguments.split_model(words, images)


def test_a_file_to_write(tmp_path):
    assert arguments.check_new(tmp_path / 'a.npz', False, '.npz') == tmp_path / 'a.npz'
    with pytest.raises(ValueError, match='a.npz: expected .*.pth or .pt2'):
        arguments.check_new(tmp_path / 'a.npz', False, '.pth', '.pt2')
    (tmp_path / 'a.npz').touch()
    with pytest.raises(FileExistsError, match='a.npz exists'):
        arguments.check_new(tmp_path / 'a.npz', False)
    arguments.check_new(tmp_path / 'a.npz', force=True)
    with pytest.raises(PermissionError, match='no/a.npz'):
        arguments.check_new(tmp_path / 'no/a.npz', False)


def test_training_labels_need_no_images(tmp_path):
    (tmp_path / 'train.csv').write_text('absent.jpg,cat\nother.jpg,dog\n')
    keys = {'own.train': f'{tmp_path}/train.csv', 'own.val': f'{tmp_path}/train.csv'}
    args = argparse.Namespace(config='addgcn_own_448', cfg_options=keys)
    photos = arguments.training_labels(args)
    assert photos.metainfo['classes'] == ('cat', 'dog') and len(photos) == 2
