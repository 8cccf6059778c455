"""Two configs of heads on one frozen backbone, its weights, and photographs."""

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from tiny import FROZEN, make_photos, write_config


def write_frozen_heads(folder):
    """Paths of the configs, and {'own.train': ..., 'own.val': ...}."""
    photos, paths = make_photos(folder / 'photos'), []
    for head in ('LinearHead', 'CSRAHead'):
        (folder / head).mkdir()
        extra = FROZEN.format(stages='(3,)', folder=folder)
        path = write_config(folder / head, photos, head, extra)
        paths.append(path.rename(folder / f'{head.lower()}.py'))
    init_default_scope('mmpretrain')
    torch.manual_seed(0)
    backbone = MODELS.build({**Config.fromfile(paths[0]).model.backbone, 'init_cfg': None})
    backbone.init_weights()
    torch.save(backbone.state_dict(), folder / 'backbone.pth')
    return paths, {'own.train': f'{photos}/train.csv', 'own.val': f'{photos}/val.csv'}
