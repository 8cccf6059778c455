"""Shared: a config with a frozen backbone, and its stored features."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from tiny import FROZEN, make_photos, write_config

from mlgcn.engine.config import listed_images, read_config
from mlgcn.features import extract_features


@pytest.fixture(scope='session')
def config(tmp_path_factory):
    """A config file with a frozen backbone; its weights and photographs beside it."""
    folder = tmp_path_factory.mktemp('features')
    path = write_config(folder, make_photos(folder / 'photos'), 'LinearHead',
                        FROZEN.format(stages='(2, 3)', folder=folder))  # fmt: skip
    init_default_scope('mmpretrain')
    save_backbone(Config.fromfile(path), folder / 'backbone.pth', seed=0)
    return path


def save_backbone(cfg, path, seed):
    torch.manual_seed(seed)
    backbone = MODELS.build({**cfg.model.backbone, 'init_cfg': None})
    backbone.init_weights()
    torch.save(backbone.state_dict(), path)


def store_features(config, folder):
    cfg = read_config(config, {})
    return extract_features(cfg, listed_images(cfg), folder, 4)


@pytest.fixture(scope='session')
def store(config):
    folder = config.parent / 'stored'
    assert store_features(config, folder) == 37
    return folder
