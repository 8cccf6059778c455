"""Rate and beta1 of the shipped one-cycle schedules against torch's OneCycleLR."""

import pytest
import torch
from mmengine.config import Config
from tiny import ROOT

from mlgcn.registry import PARAM_SCHEDULERS

STEPS = 50  # an epoch


@pytest.mark.parametrize(('name', 'epochs'), [('ml_decoder', 40), ('asl', 80)])
def test_equals_torchs_one_cycle(name, epochs):
    cfg = Config.fromfile(ROOT / 'configs' / '_base_' / 'schedules' / f'{name}.py')
    betas = cfg.optim_wrapper.optimizer.betas
    parameters = [torch.nn.Parameter(torch.zeros(1))]
    ours = torch.optim.Adam(parameters, lr=1e-4, betas=tuple(betas))
    torchs = torch.optim.Adam(parameters, lr=1e-4)
    schedulers = []
    for part in map(dict, cfg.param_scheduler):
        cls = PARAM_SCHEDULERS.get(part.pop('type'))
        part.pop('convert_to_iter_based')
        schedulers.append(cls.build_iter_from_epoch(ours, epoch_length=STEPS, **part))
    expected = torch.optim.lr_scheduler.OneCycleLR(
        torchs, max_lr=1e-4, total_steps=STEPS * epochs, pct_start=0.2
    )
    for _ in range(STEPS * epochs - 1):
        seen, wanted = ours.param_groups[0], torchs.param_groups[0]
        assert seen['lr'] == pytest.approx(wanted['lr'], rel=1e-9)
        # mmengine's cosine turns one iteration later
        assert seen['betas'][0] == pytest.approx(wanted['betas'][0], abs=5e-4)
        for scheduler in (*schedulers, expected):
            scheduler.step()
