"""Every config block of docs/recipes.md trains; CHECKS look at what it leaves in the work dir."""

import re
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from mmpretrain.models import ResNet
from mmpretrain.structures import DataSample
from tiny import ROOT, make_photos, write_config

from mlgcn.checkpoints.safe_load import safe_load
from mlgcn.models.backbones import TIMMBackbone
from mlgcn.registry import MODELS

PAGE = (ROOT / 'docs/recipes.md').read_text()
RECIPES = dict(re.findall(r'```python\n# ([^\n]+)\n(.*?)```', PAGE, re.DOTALL))
# compiling takes a second for every block, and once more for every rate that changes
FEWER = {
    'torch.compile': [
        *('train_cfg.max_epochs=1', 'model.backbone.init_cfg=None', 'model.head.in_channels=4'),
        *(f'model.backbone.{key}=(1,)' for key in ('strides', 'dilations')),
        *('model.backbone.num_stages=1', 'model.backbone.out_indices=(0,)'),
    ]
}
NEEDS = {'tensorboard': 'tensorboard', 'wandb': 'wandb'}


def stays(folder, part):
    """Whether the part's parameters are the same after both epochs."""
    first, last = (safe_load(folder / f'epoch_{i}.pth')['state_dict'] for i in (1, 2))
    keys = [key for key in first if key.startswith(part)]
    return all((first[key] == last[key]).all() for key in keys)


def log(folder):
    (file,) = folder.glob('*/*.log')
    return file.read_text()


CHECKS = {
    'another backbone': lambda folder: 'timm_model' in str(newest(folder)['state_dict'].keys()),
    'frozen backbone': lambda folder: stays(folder, 'backbone') and not stays(folder, 'head'),
    'mirror average': lambda folder: "type='mlgcn.MirrorAveragedClassifier'" in log(folder),
    'another head': lambda folder: 'CSRAHead' in log(folder),
    'another loss': lambda folder: "type='mlgcn.ASL'" in log(folder),
    'class weights': lambda folder: 'pos_weight' in log(folder),
    'balanced sampling': lambda folder: 'ClassBalancedDataset' in log(folder),
    'moving average': lambda folder: 'ema_state_dict' in newest(folder),
    'early stopping': lambda folder: 'EarlyStoppingHook' in log(folder),
    'learning rate of each part': lambda folder: (
        len({group['lr'] for group in newest(folder)['optimizer']['param_groups']}) == 2
    ),
    'gradient accumulation': lambda folder: 'accumulative_counts=4' in log(folder),
    'torch.compile': lambda folder: 'Model has been "compiled"' in log(folder),
    'mixup': lambda folder: 'mlgcn.CutMix' in log(folder),
    'tensorboard': lambda folder: any(folder.rglob('events.out.tfevents*')),
    'wandb': lambda folder: any(folder.rglob('offline-run*')),
}


def newest(folder):
    return safe_load(folder / 'epoch_2.pth')


ROWS = re.findall(r'^\| [\w ]+ \| `(\w+\.\w+)` \| (any|\d+) \| (.*) \|$', PAGE, re.MULTILINE)
HEADS = dict(
    LinearHead={}, ADDGCNHead=dict(node_channels=16), CSRAHead=dict(num_heads=2),
    MLGCNHead=dict(hidden=8, embed_channels=6), MLDecoderHead=dict(embed_dim=16),
    Query2LabelHead=dict(hidden=16), CTranHead=dict(num_layers=1),
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(('name', 'size', 'preprocessor'), ROWS)
def test_strong_backbones_under_every_head(name, size, preprocessor):
    """A gradient reaches the first layer through every head; the page's normalisation is timm's."""
    if preprocessor != 'the same':
        published = timm.get_pretrained_cfg(name)
        numbers = [float(number) for number in re.findall(r'[\d.]+', preprocessor)]
        assert np.allclose(numbers, np.array([*published.mean, *published.std]) * 255, atol=1e-3)
    model, side = name.split('.')[0], 320 if size == 'any' else int(size)
    backbone = TIMMBackbone(model, **({} if size == 'any' else dict(img_size=side)))
    (maps,) = backbone(torch.randn(1, 3, side, side))
    assert maps.shape[2] == maps.shape[3] >= 10
    samples = [DataSample().set_gt_score(row) for row in torch.eye(3)[:2]]
    gradients = []
    for head, settings in HEADS.items():
        kind = dict(type=f'mlgcn.{head}', num_classes=3, in_channels=maps.shape[1])
        two = maps.detach().repeat(2, 1, 1, 1).requires_grad_()
        loss = sum(MODELS.build({**kind, **settings}).loss((two,), samples).values())
        gradients.append(torch.autograd.grad(loss, two)[0].sum(0, keepdim=True))
        assert gradients[-1].isfinite().all() and gradients[-1].any(), head
    maps.backward(sum(gradients))
    assert next(p for p in backbone.parameters() if p.ndim == 4).grad.any()


def test_every_recipe_is_tested():
    assert RECIPES.keys() == CHECKS.keys()


@pytest.fixture(scope='module')
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('recipes')
    weights = ResNet(18, base_channels=4, stem_channels=4).state_dict()
    torch.save(weights, folder / 'backbone.pth')  # a frozen one must not be random
    start = f"dict(type='Pretrained', checkpoint='{folder}/backbone.pth')"
    extra = f"model['backbone']['init_cfg'] = {start}"
    return write_config(folder, make_photos(folder / 'photos', 12, 5), 'LinearHead', extra)


@pytest.mark.slow
@pytest.mark.parametrize('name', RECIPES)
def test_recipe(name, base, tmp_path, mlgcn, monkeypatch):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    monkeypatch.chdir(tmp_path)
    config = tmp_path / f'{name.replace(" ", "_")}.py'  # runs of one name and second share a log
    config.write_text(f"_base_ = ['{base}']\n{RECIPES[name]}")
    fewer = ('--cfg-options', *FEWER[name]) if name in FEWER else ()
    answer = mlgcn('train', config, '--work-dir', 'run', '--seed', 0, *fewer)
    assert answer.status == 0, answer.err
    assert CHECKS[name](tmp_path / 'run')
