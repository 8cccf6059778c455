"""Folded batch norms: the same logits for every kind of model, fewer layers."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from paths import DATA
from torch.nn.modules.batchnorm import _BatchNorm

from mlgcn.engine.config import fit_to_data
from mlgcn.engine.fuse import fuse
from mlgcn.registry import MODELS

CONFIGS = DATA.parent.parent / 'configs'


@pytest.mark.parametrize(
    'name', ['addgcn/addgcn_scenes', 'gkgnet/gkgnet_scenes', 'baseline/linear_scenes']
)
def test_the_logits_stay(name):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    fit_to_data(cfg, list('abcdefg'))
    init_default_scope('mmpretrain')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    for norm in model.modules():
        if isinstance(norm, _BatchNorm):  # statistics as after a training
            norm.running_mean.normal_(0, 0.1)
            norm.running_var.uniform_(0.5, 1.5)
    images = torch.randn(2, 3, 96, 96)
    before = sum(isinstance(m, _BatchNorm) for m in model.modules())
    with torch.no_grad():
        expected = model(images, mode='tensor')
        logits = fuse(model)(images, mode='tensor')
    assert sum(isinstance(m, _BatchNorm) for m in model.modules()) < before / 2
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-4 * float(expected.std()))


def test_a_model_in_training_mode_is_refused():
    with pytest.raises(ValueError, match='training mode'):
        fuse(torch.nn.Conv2d(1, 1, 1))
