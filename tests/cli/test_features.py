"""mlgcn features as a user meets it."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from tiny import FROZEN, make_photos, write_config


@pytest.fixture
def config(tmp_path):
    extra = FROZEN.format(folder=tmp_path, stages='(3,)')
    path = write_config(tmp_path, make_photos(tmp_path / 'photos', 4, 3), 'LinearHead', extra)
    init_default_scope('mmpretrain')
    model = MODELS.build({**Config.fromfile(path).model.backbone, 'init_cfg': None})
    torch.save(model.state_dict(), tmp_path / 'backbone.pth')
    return path


def test_force_replaces_the_features_and_nothing_else(mlgcn, tmp_path, config):
    out = tmp_path / 'out'
    assert '7 images' in mlgcn('features', config, '--out', out).out
    assert '0 images' in mlgcn('features', config, '--out', out).out
    (out / 'notes.txt').write_text('mine')
    assert '7 images' in mlgcn('features', config, '--out', out, '--force').out
    assert (out / 'notes.txt').read_text() == 'mine'


def test_too_many_lists(mlgcn, tmp_path, config):
    error = mlgcn('features', config, 'a', 'b', 'c', 'd', '--out', tmp_path / 'out').error
    assert '4 lists' in error and 'at most 3' in error
