"""Every shipped config: its keys exist, and its model trains a step and predicts."""

from pathlib import Path

import pytest
import timm
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from mlgcn.engine.config import fit_to_data, read_config
from mlgcn.engine.runner import fit_schedules
from mlgcn.registry import PARAM_SCHEDULERS

ROOT = Path(__file__).parent.parent
CONFIGS = sorted(path for path in (ROOT / 'configs').glob('*/*.py') if path.parent.name != '_base_')


def side_of(cfg):
    """A small input side that the model takes: graph backbones need enough nodes."""
    types = str(cfg.model)
    if 'swin' in types:  # timm's is built for one size: the data's, but less here
        published = timm.get_pretrained_cfg(cfg.model.backbone.model_name).input_size[1:]
        assert published in [step.get('scale') for step in cfg.test_dataloader.dataset.pipeline]
        cfg.model.backbone.img_size = 96
        return 96
    return 192 if 'PyramidViG' in types or 'LabelGraphNeck' in types else 64


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_keys_classes_and_schedules_of_one_epoch(path):
    """They exist; each schedule can be built where `max_epochs` cuts it short."""
    cfg = read_config(path, {'train_cfg.max_epochs': 1})
    assert cfg.val_dataloader.dataset.type.startswith('mlgcn.')
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        text = str(loader.dataset)
        assert 'data/' in text or 'OwnPhotos' in text, 'the root comes from MLGCN_DATA'
    fit_schedules(cfg)
    init_default_scope('mmpretrain')
    for schedule in cfg.param_scheduler:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        schedule.setdefault('end', 1)
        PARAM_SCHEDULERS.build(schedule, default_args=dict(optimizer=optimizer, epoch_length=10))


@pytest.fixture(scope='module')
def tried():
    """The models, as texts, that have trained: many configs differ in their data alone."""
    return set()


@pytest.mark.slow
@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_model_trains_a_step_and_predicts(path, tried):
    cfg = Config.fromfile(path)
    init_default_scope('mmpretrain')
    cfg.model.backbone.pop('init_cfg', None)  # no download
    for part in ('head', 'neck'):
        if cfg.model.get(part) is not None and 'num_classes' in cfg.model[part]:
            cfg.model[part].num_classes = 4
    fit_to_data(cfg, 'abcd')
    if (text := repr(cfg.model.to_dict())) in tried:
        return
    tried.add(text)
    side = side_of(cfg)
    model = MODELS.build(cfg.model)
    model.init_weights()
    images = torch.randn(2, 3, side, side)
    samples = [DataSample().set_gt_score(torch.tensor([1, 0, -1, 1])) for _ in range(2)]
    losses = model.train().loss(images, samples)
    total = sum(value for name, value in losses.items() if 'loss' in name)
    total.backward()
    assert torch.isfinite(total)
    for name, parameter in model.named_parameters():
        assert not parameter.requires_grad or parameter.grad is not None, f'no gradient: {name}'
    with torch.no_grad():
        predicted = model.eval().predict(images)
    assert predicted[0].pred_score.shape == (4,)
