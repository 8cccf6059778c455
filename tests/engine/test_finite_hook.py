"""Losses and gradients that are not finite."""

import copy
import re

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from tiny_run import Numbers, runner

from mlgcn.engine.finite_hook import FiniteHook, NonFiniteError


class Watch(Hook):
    """The model's state after every iteration."""

    priority = 'LOWEST'

    def __init__(self):
        self.states = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        model = runner.model
        self.states.append(copy.deepcopy(model.state_dict()))
        self.states[-1].update(
            {f'momentum {i}': s['momentum_buffer'].clone()
             for i, s in enumerate(runner.optim_wrapper.optimizer.state.values())}
        )  # fmt: skip


def train(tmp_path, bad, hooks=(), changes=None, **policy):
    finite = dict(finite=dict(type='mlgcn.FiniteHook', **policy))
    run = runner(
        tmp_path / 'run', Numbers(8, bad), finite, custom_hooks=[*hooks], **(changes or {})
    )
    run.train()
    return run


def log(tmp_path):
    return next((tmp_path / 'run').glob('*/*.log')).read_text()


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_a_bad_batch_leaves_no_trace(tmp_path):
    watch = Watch()
    run = train(tmp_path, [5], [watch], dict(epochs=1), policy='skip')
    before, bad, after = watch.states[1:4]
    assert equal(before, bad), 'weights, statistics of BatchNorm and momentum'
    assert not equal(bad, after)
    assert all(v.isfinite().all() for v in run.model.state_dict().values())
    text = log(tmp_path)
    assert 'epoch 1, iteration 3: loss not finite for 4.jpg, 5.jpg. This update is left' in text
    assert 'not finite: 1 updates left out, 0 rollbacks' in text.splitlines()[-1]


class BadGradient(Hook):
    """From the third iteration on, a finite loss has an infinite gradient."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == 2:
            runner.model.linear.weight.register_hook(lambda gradient: gradient + torch.inf)


def test_a_bad_gradient(tmp_path):
    train(tmp_path, [], [BadGradient()], dict(epochs=1), policy='skip')
    text = log(tmp_path)
    assert 'iteration 3: gradient not finite for 4.jpg, 5.jpg' in text
    assert '2 updates left out' in text.splitlines()[-1]


def test_an_accumulation_is_left_out_as_a_whole(tmp_path):
    watch = Watch()
    optim = dict(
        type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9),
        accumulative_counts=2,
    )  # fmt: skip
    changes = dict(optim_wrapper=optim, epochs=1)
    train(tmp_path, [0], [watch], changes, policy='skip')
    weights = [state['linear.weight'] for state in watch.states]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[1], weights[3])
    assert 'not finite for 0.jpg, 1.jpg, 2.jpg, 3.jpg' in log(tmp_path)


def test_stop(tmp_path):
    with pytest.raises(NonFiniteError, match='not finite for 4.jpg, 5.jpg. Stopped'):
        train(tmp_path, bad=[5], policy='stop')
    assert 'not finite: 1 updates left out, 0 rollbacks' in log(tmp_path).splitlines()[-1]


def test_skipping_ends(tmp_path):
    with pytest.raises(NonFiniteError, match='6.jpg, 7.jpg. Stopped: 2 in a row'):
        train(tmp_path, bad=[4, 6], policy='skip', in_row=2)


def test_rollback_to_the_last_checkpoint(tmp_path):
    watch = Watch()
    ema = dict(type='EMAHook', momentum=0.1, priority='ABOVE_NORMAL')
    run = train(tmp_path, [], [watch, BadLater(), ema], dict(epochs=3), in_row=2)
    # 4 iterations an epoch; 6 and 7 are bad, 5 changed what epoch 1 left
    assert not equal(watch.states[3], watch.states[4])
    assert equal(watch.states[3], watch.states[6])
    assert not equal(watch.states[6], watch.states[7])
    text = log(tmp_path)
    assert re.search('rolled back to the weights of .*epoch_1.pth', text)
    assert '2 updates left out, 1 rollbacks' in text.splitlines()[-1]
    assert run.optim_wrapper.optimizer.param_groups[0]['lr'] == pytest.approx(0.05)


class BadLater(Hook):
    """Two bad batches in the second epoch."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter in (5, 6):
            data_batch['inputs'][0] = torch.full((4,), torch.inf)


def test_rollbacks_end(tmp_path):
    with pytest.raises(NonFiniteError, match='1 in a row, and there is no checkpoint'):
        train(tmp_path, bad=[0], in_row=1)
    with pytest.raises(NonFiniteError, match='1 in a row, and 2 rollbacks did not help'):
        train(tmp_path, [], [Broken()], in_row=1, max_rollbacks=2)


class Broken(Hook):
    """After the first epoch every batch is bad."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.epoch:
            data_batch['inputs'] = [value * torch.nan for value in data_batch['inputs']]


class Overflowing(OptimWrapper):
    """Does what fp16's loss scaler does with an overflow: no step, no gradients."""

    def step(self, **kwargs):
        pass


def test_overflows_of_the_loss_scaler_are_no_events(tmp_path):
    changes = dict(
        optim_wrapper=dict(type=Overflowing, optimizer=dict(type='SGD', lr=0.1)),
        param_scheduler=None,
    )
    train(tmp_path, [5], changes=changes)
    assert '2 updates left out' in log(tmp_path).splitlines()[-1], 'the bad loss of each epoch'


def test_an_unknown_policy():
    with pytest.raises(ValueError, match="policy='ignore': expected one of skip, rollback, stop"):
        FiniteHook(policy='ignore')
