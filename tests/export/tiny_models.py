"""Checkpoints of tiny models with fixed weights, a metadata and a calibration."""

from pathlib import Path

from fill import fill_
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mlgcn.checkpoints import make_metadata, save_weights
from mlgcn.registry import MODELS

CLASSES = ('cat', 'dog', 'bird', 'größe')
CALIBRATION = dict(
    temperature=1.7, thresholds=[0.3, 0.5, 0.62, 0.4], objective='f1', images=9, pooled=[]
)
CHANNELS = (8, 16)  # of two stages: an exporter's time grows with the operators
ADDGCN = dict(
    backbone=dict(
        type='ResNet',
        depth=18,
        base_channels=4,
        stem_channels=4,
        num_stages=2,
        strides=(1, 2),
        dilations=(1, 1),
        out_indices=(1,),
    ),
    head=dict(type='mlgcn.ADDGCNHead', num_classes=4, in_channels=8, node_channels=16),
)
GKGNET = dict(
    backbone=dict(
        type='mlgcn.PyramidViG',
        arch=(CHANNELS, (1, 1)),
        k=3,
        img_size=64,
        out_indices=(0, 1),
    ),
    neck=dict(type='mlgcn.LabelGraphNeck', num_classes=4, in_channels=CHANNELS, k=3),
    head=dict(type='mlgcn.GKGHead', num_classes=4, in_channels=16),
)
MODELS_BY_NAME = dict(addgcn=ADDGCN, gkgnet=GKGNET)


def write_checkpoint(folder: Path, name: str, size: int = 64) -> Path:
    """`folder`/NAME.pth of the model NAME, for images of `size` squared."""
    resize = dict(type='Resize', scale=(size, size), interpolation='bicubic', backend='pillow')
    pipeline = [dict(type='mlgcn.LoadImage'), resize, dict(type='PackInputs')]
    cfg = Config(
        dict(
            model=dict(type='ImageClassifier', **MODELS_BY_NAME[name]),
            data_preprocessor=dict(mean=[110.0, 120, 130], std=[50.0, 60, 70], to_rgb=True),
            test_dataloader=dict(dataset=dict(type='mlgcn.OwnPhotos', pipeline=pipeline)),
        )
    )
    init_default_scope('mmpretrain')
    model = MODELS.build(dict(cfg.model, data_preprocessor=cfg.data_preprocessor))
    weights = fill_(model).state_dict()
    path = folder / f'{name}.pth'
    save_weights(
        path, weights, make_metadata(weights, CLASSES, 'CC0', cfg, calibration=CALIBRATION)
    )
    return path
