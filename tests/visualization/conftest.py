"""Tiny models of every kind that the pages explain, as fixtures."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS
from PIL import Image
from score_files import FIRST, SECOND, TARGETS
from score_files import save as save_scores

import mlgcn  # noqa: F401
from mlgcn.apis import load_model
from mlgcn.checkpoints import make_metadata, save_weights
from mlgcn.visualization.attributions import run_model

NAMES = ['cat', 'dog & <b>cow</b>', 'hen', '<script>alert(1)</script>']
K, SIZE = len(NAMES), 64
CHANNELS = (8, 16, 32)
RESNET = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 2, 1))
PVIG = dict(type='mlgcn.PyramidViG', arch=(CHANNELS, (1, 2, 1)), k=3, img_size=SIZE)
NECK = dict(type='mlgcn.LabelGraphNeck', num_classes=K, in_channels=CHANNELS, k=3, num_gcn=2)
ADDGCN = dict(type='mlgcn.ADDGCNHead', num_classes=K, in_channels=32, node_channels=12)
LINEAR = dict(type='mlgcn.LinearHead', num_classes=K, in_channels=32)
GKG = dict(type='mlgcn.GKGHead', num_classes=K, in_channels=32)
PEER = dict(num_classes=K, in_channels=32)
MODELS_HERE = {  # ResNet's maps have 4 x 4 positions
    'addgcn': dict(backbone=RESNET, head=ADDGCN),
    'gkgnet': dict(backbone=dict(PVIG, out_indices=(0, 1, 2)), neck=NECK, head=GKG),
    'addgcn_neck': dict(
        backbone=dict(RESNET, out_indices=(2, 3)),
        neck=dict(type='mlgcn.JoinedMaps', in_channels=(16, 32)),
        head=dict(ADDGCN, in_channels=48),
    ),
    'addgcn_pvig': dict(backbone=dict(PVIG, out_indices=(2,)), head=ADDGCN),
    'avg': dict(backbone=RESNET, head=dict(LINEAR, pool='avg')),
    'max': dict(backbone=RESNET, head=dict(LINEAR, pool='max')),
    'csra': dict(backbone=RESNET, head=dict(PEER, type='mlgcn.CSRAHead', num_heads=2)),
    'ml_gcn': dict(
        backbone=RESNET, head=dict(PEER, type='mlgcn.MLGCNHead', hidden=8, embed_channels=6)
    ),
    'ctran': dict(backbone=RESNET, head=dict(PEER, type='mlgcn.CTranHead', num_layers=2)),
}
NORMALISATION = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
PIPELINE = [
    dict(type='LoadImageFromFile', imdecode_backend='pillow'),
    dict(type='Resize', scale=(SIZE, SIZE), backend='pillow'),
    dict(type='PackInputs'),
]


def save(folder, kind):
    """A checkpoint of random weights with everything that the tools need."""
    torch.manual_seed(0)
    cfg = Config(
        dict(
            model=dict(type='ImageClassifier', **MODELS_HERE[kind]),
            data_preprocessor=NORMALISATION,
            test_dataloader=dict(dataset=dict(pipeline=PIPELINE)),
        )
    )
    model = MODELS.build(cfg.model)
    for name, value in model.state_dict().items():  # so large that all edges and biases tell
        if name.startswith('head'):
            noise = torch.randn(value.shape) * 0.1
            value.copy_(value + (noise.abs() if name.endswith('graph') else noise))
    weights = model.state_dict()
    path = folder / f'{kind}.pth'
    save_weights(path, weights, make_metadata(weights, NAMES, 'none', cfg))
    return path


@pytest.fixture(scope='session')
def photo_file(tmp_path_factory):
    noise = np.random.RandomState(0).randint(0, 256, (9, 12, 3), np.uint8)
    path = tmp_path_factory.mktemp('photos') / 'a photo.png'
    Image.fromarray(noise).resize((120, 90), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture(scope='session')
def loaded(tmp_path_factory):
    folder = tmp_path_factory.mktemp('checkpoints')
    return {kind: load_model(save(folder, kind), device='cpu') for kind in MODELS_HERE}


@pytest.fixture
def run(photo_file):
    """(network, maps of the photograph, logits (K,)) of a loaded model."""

    def run(model):
        packed = model.pack(photo_file)
        _, maps, _, logits = run_model(model.model, packed)
        return model.model, maps, torch.from_numpy(logits)

    return run


@pytest.fixture
def runs(tmp_path):
    """Scores files by run, and their photographs in tmp_path."""
    (tmp_path / 'photos').mkdir()
    for i in range(3):
        Image.new('RGB', (900, 60), (80 * i, 90, 90)).save(tmp_path / f'photos/{i}.png')
    scores = {'A<1>': ('first.npz', FIRST), 'B': ('second.npz', SECOND)}
    return {run: save_scores(tmp_path / name, s, TARGETS) for run, (name, s) in scores.items()}
