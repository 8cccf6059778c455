"""Published schedules, parameter groups and averages; bfloat16."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import LinearLR, OptimWrapper, build_optim_wrapper
from torch import nn

from mlgcn.engine.optim import BF16OptimWrapper, LinearWarmupLR
from mlgcn.models.backbones.pyramid_vig import PyramidViG
from mlgcn.models.heads.gkg_head import GKGHead
from mlgcn.models.heads.ml_decoder_head import MLDecoderHead
from mlgcn.models.necks.label_graph import LabelGraphNeck
from mlgcn.registry import OPTIM_WRAPPERS, PARAM_SCHEDULERS

ROOT = Path(__file__).parents[2]
SCHEDULES = ROOT / 'configs/_base_/schedules'
PUBLISHED = json.loads((ROOT / 'tests/data/schedules.json').read_text())


def optimizer(lr=1.0, **kwargs):
    return torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=lr, **kwargs)


def groups(config, epoch_length, epochs):
    """The settings of every iteration, stepped as mmengine's ParamSchedulerHook does."""
    settings = config.optim_wrapper.optimizer
    optim = optimizer(settings.lr, betas=tuple(settings.betas))
    known = dict(optimizer=optim, epoch_length=epoch_length)
    schedulers = [
        PARAM_SCHEDULERS.build(dict(s), default_args=known) for s in config.param_scheduler
    ]
    for _ in range(epochs):
        for _ in range(epoch_length):
            yield dict(optim.param_groups[0])
            optim.step()
            for scheduler in [s for s in schedulers if not s.by_epoch]:
                scheduler.step()
        for scheduler in [s for s in schedulers if s.by_epoch]:
            scheduler.step()


@pytest.mark.parametrize('name', ['gkgnet', 'gkgnet_ema'])
def test_published_rate_of_every_iteration(name):
    fact = PUBLISHED['gkgnet']
    config = Config.fromfile(SCHEDULES / f'{name}.py')
    seen = [group['lr'] for group in groups(config, fact['iters_per_epoch'], epochs=60)]
    assert seen == pytest.approx(fact['lr'], rel=1e-9)
    assert config.train_cfg.max_epochs == 80


@pytest.mark.parametrize(('name', 'epochs'), [('ml_decoder', 40), ('asl', 80)])
def test_one_cycle_is_torchs(name, epochs):
    """Rate and beta1 of every iteration."""
    torchs = optimizer(1e-4)
    expected = torch.optim.lr_scheduler.OneCycleLR(
        torchs, max_lr=1e-4, total_steps=50 * epochs, pct_start=0.2
    )
    seen = list(groups(Config.fromfile(SCHEDULES / f'{name}.py'), 50, epochs))
    for group in seen[:-1]:
        wanted = torchs.param_groups[0]
        assert group['lr'] == pytest.approx(wanted['lr'], rel=1e-9)
        # mmengine's cosine turns one iteration later
        assert group['betas'][0] == pytest.approx(wanted['betas'][0], abs=5e-4)
        torchs.step()
        expected.step()


def test_full_rate_at_the_end_where_upstream_has_it_one_iteration_before():
    ours, upstream = optimizer(), optimizer()
    factors = {'start_factor': 0.2, 'begin': 0, 'end': 4, 'by_epoch': False}
    schedulers = LinearWarmupLR(ours, **factors), LinearLR(upstream, **factors)
    seen = []
    for _ in range(6):
        seen.append((ours.param_groups[0]['lr'], upstream.param_groups[0]['lr']))
        ours.step()
        upstream.step()
        for scheduler in schedulers:
            scheduler.step()
    ours, upstream = zip(*seen)
    assert ours == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert upstream == pytest.approx([0.2, 7 / 15, 11 / 15, 1.0, 1.0, 1.0])


def test_published_parameter_groups():
    """Every weight decayed but those of norm layers; no bias. As many of each as published."""
    model = nn.Sequential(
        PyramidViG(arch='t', img_size=64, k=4),
        LabelGraphNeck(in_channels=(48, 96, 240, 384), num_classes=5),
        GKGHead(num_classes=5, in_channels=384),
    )
    config = Config.fromfile(SCHEDULES / 'gkgnet.py').optim_wrapper
    config.type = 'OptimWrapper'  # without a GPU
    wrapper = build_optim_wrapper(model, config)
    assert isinstance(wrapper, OptimWrapper) and wrapper.clip_grad_kwargs['max_norm'] == 5
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decay = {
        names[id(group['params'][0])]: group['weight_decay']
        for group in wrapper.optimizer.param_groups
    }
    fact = PUBLISHED['gkgnet_param_groups']
    assert sorted(set(decay.values())) == [0, 0.05]
    assert sum(value > 0 for value in decay.values()) == len(fact['decayed'])
    assert sum(value == 0 for value in decay.values()) == len(fact['not_decayed'])
    assert {group['lr'] for group in wrapper.optimizer.param_groups} == set(fact['lrs'])
    for name, parameter in model.named_parameters():  # every norm weight here is 1-d
        assert (decay[name] > 0) == (parameter.dim() > 1), name


def test_asl_and_ml_decoder_decay_no_tensor_with_one_axis():
    model = MLDecoderHead(num_classes=3, in_channels=4, embed_dim=8)
    config = Config.fromfile(SCHEDULES / 'ml_decoder.py').optim_wrapper
    config.type = 'OptimWrapper'  # without a GPU
    for group in build_optim_wrapper(model, config).optimizer.param_groups:
        for parameter in group['params']:
            assert (group['weight_decay'] > 0) == (parameter.dim() > 1)


def test_upstreams_average_is_the_published_one_a_step_later():
    hook = Config.fromfile(SCHEDULES / 'gkgnet_ema.py').custom_hooks[0]
    assert hook.ema_type == 'ExponentialMovingAverage'
    published = torch.tensor(
        PUBLISHED['ema']['runs'][f'momentum={hook.momentum},warm_up=100']['ema'],
        dtype=torch.float64,
    )
    step = torch.tensor([0.5, -0.25], dtype=torch.float64)
    model = nn.Linear(2, 1, bias=False).double()
    model.weight.data = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    average = ExponentialMovingAverage(model, hook.momentum, update_buffers=hook.update_buffers)
    seen = []
    for _ in range(len(published)):
        model.weight.data += step
        average.update_parameters(model)
        seen.append(average.module.weight[0].clone())
    torch.testing.assert_close(seen[0], torch.tensor([1.5, 1.75], dtype=torch.float64))
    torch.testing.assert_close(torch.stack(seen[1:]), published[:-1] + step, rtol=0, atol=1e-6)


def test_bf16_wrapper_trains_under_autocast():
    layer = torch.nn.Linear(4, 3)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    wrapper = OPTIM_WRAPPERS.build(dict(type='mlgcn.BF16OptimWrapper', optimizer=optimizer))
    assert isinstance(wrapper, BF16OptimWrapper)
    before = layer.weight.detach().clone()
    with wrapper.optim_context(layer):
        out = layer(torch.ones(2, 4))
        assert out.dtype == torch.bfloat16
        loss = out.float().square().sum()
    wrapper.update_params(loss)
    assert layer.weight.dtype == torch.float32 and not torch.equal(before, layer.weight)
