"""What the tools change in a config on a machine without a GPU."""

import torch
from mmengine.config import Config

from mlgcn.engine.bf16_optim_wrapper import BF16OptimWrapper
from mlgcn.engine.launch import adapt_to_cpu
from mlgcn.registry import OPTIM_WRAPPERS


def test_gpu_only_settings_are_replaced():
    wrapper = dict(type='AmpOptimWrapper', loss_scale='dynamic', optimizer=dict(type='SGD'))
    cfg = Config(
        dict(sync_bn='torch', optim_wrapper=wrapper, train_dataloader=dict(pin_memory=True))
    )
    adapt_to_cpu(cfg)
    assert cfg.sync_bn is None
    assert cfg.optim_wrapper == dict(type='mlgcn.BF16OptimWrapper', optimizer=dict(type='SGD'))
    assert cfg.train_dataloader.pin_memory is False


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
