"""A checkpoint of a tiny untrained model with a metadata, as mlgcn's training writes them."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mlgcn.checkpoints import make_metadata, save_weights
from mlgcn.registry import MODELS

CLASSES = ('cat', 'dog', 'bird')


def tiny_config(**more) -> Config:
    pipeline = [
        dict(type='LoadImageFromFile', imdecode_backend='pillow'),
        dict(type='Resize', scale=(32, 32), backend='pillow'),
        dict(type='PackInputs'),
    ]
    backbone = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4)
    head = dict(type='mlgcn.LinearHead', num_classes=None, in_channels=32)
    return Config(
        dict(
            model=dict(type='ImageClassifier', backbone=backbone, head=head),
            data_preprocessor=dict(mean=[1.0, 2.0, 3.0], std=[50.0, 60.0, 70.0], to_rgb=True),
            test_dataloader=dict(dataset=dict(type='mlgcn.OwnPhotos', pipeline=pipeline)),
            custom_imports=dict(imports=['mlgcn'], allow_failed_imports=False),
            **more,
        )
    )


def write_checkpoint(folder: Path, change=None, **metadata_more):
    """A checkpoint of the tiny model; `change` edits the config in its metadata."""
    cfg = tiny_config()
    init_default_scope('mmpretrain')
    model_cfg = cfg.model.copy()
    model_cfg.head.num_classes = len(CLASSES)
    torch.manual_seed(0)
    model = MODELS.build(dict(model_cfg, data_preprocessor=cfg.data_preprocessor))
    cfg = tiny_config()
    if change:
        change(cfg)
    metadata = make_metadata(model.state_dict(), CLASSES, 'none', cfg, **metadata_more)
    path = folder / 'tiny.pth'
    path.unlink(missing_ok=True)
    save_weights(path, model.state_dict(), metadata)
    return path, model.eval()
