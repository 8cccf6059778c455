"""Resuming in the same process, with another shape of the run, and from files that do not fit."""

import json
import os
import shutil
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from tiny_run import Numbers, rates, runner

from mlgcn.checkpoints import CheckpointError, fingerprint, load
from mlgcn.checkpoints.metadata import KEY
from mlgcn.checkpoints.safe_load import safe_load
from mlgcn.engine.resume import candidates, choose_checkpoint, latest_checkpoint, load_whole


class Stop(Exception):
    pass


class StopAt(Hook):
    """Ends the run before an iteration, and notes the learning rates of all before."""

    priority = 'LOWEST'

    def __init__(self, iteration=None):
        self.iteration = iteration
        self.rates = {}

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration:
            raise Stop
        self.rates[runner.iter] = rates(runner)


EVERY_TWO = dict(interval=1, every_iters=2)


def train(
    work_dir, stop=None, resume=True, load_from=None, saving=EVERY_TWO, extra_hooks=(), **changes
):
    watch = StopAt(stop)
    saving = dict(type='mlgcn.RunCheckpointHook', max_keep_ckpts=2, **saving)
    changes |= dict(custom_hooks=[watch, *extra_hooks], resume=resume, load_from=load_from)
    run = runner(work_dir, Numbers(8), dict(checkpoint=saving), **changes)
    choose_checkpoint(run)
    try:
        run.train()
    except Stop:
        for hook in run.hooks:
            if hasattr(hook, 'request'):
                hook.request.ignore()
    return run, watch


def log(work_dir):
    return '\n'.join(path.read_text() for path in sorted(work_dir.glob('*/*.log')))


@pytest.fixture(scope='module')
def stopped(tmp_path_factory):
    """A run of two epochs of four iterations, stopped before the last; saved at 2, 4 and 6."""
    work_dir = tmp_path_factory.mktemp('stopped') / 'run'
    train(work_dir, stop=7)
    return work_dir


@pytest.fixture
def copied(stopped, tmp_path):
    shutil.copytree(stopped, tmp_path / 'run')
    return tmp_path / 'run'


def test_nothing_to_resume(stopped):
    assert 'has no checkpoint to go on from; starting from the beginning' in log(stopped)


def test_the_same_end(copied, tmp_path):
    assert (copied / 'last_checkpoint').read_text().endswith('mid_epoch_1.pth')
    resumed, watch = train(copied)
    whole, expected = train(tmp_path / 'whole')
    assert list(watch.rates) == [6, 7]
    assert watch.rates == {i: expected.rates[i] for i in (6, 7)}
    assert fingerprint(resumed.model.state_dict()) == fingerprint(whole.model.state_dict())
    assert not list(copied.glob('mid_epoch_*')), 'a complete run needs them no more'
    assert sorted(p.name for p in copied.glob('*.pth')) == ['epoch_1.pth', 'epoch_2.pth']


def test_one_cycle_is_resumed(tmp_path):
    """Upstream saves the schedule's own method, which the allow-list refuses."""
    cycle = dict(type='OneCycleLR', eta_max=0.1, total_steps=2, convert_to_iter_based=True)
    train(tmp_path / 'run', stop=7, param_scheduler=cycle)
    resumed, watch = train(tmp_path / 'run', param_scheduler=cycle)
    _, expected = train(tmp_path / 'whole', param_scheduler=cycle)
    assert watch.rates == {i: expected.rates[i] for i in (6, 7)}
    assert watch.rates[6] > watch.rates[7] > [0.0]


def test_a_finished_run_says_that_nothing_was_left(tmp_path):
    train(tmp_path)
    train(tmp_path)
    assert 'nothing was left to train: the checkpoint is of epoch 2' in log(tmp_path)


def test_checkpoints_by_iterations_alone(tmp_path):
    saving = dict(by_epoch=False, interval=3)
    train(tmp_path / 'run', stop=7, saving=saving)
    assert (tmp_path / 'run/last_checkpoint').read_text().endswith('iter_6.pth')
    resumed, watch = train(tmp_path / 'run', saving=saving)
    whole, _ = train(tmp_path / 'whole', saving=saving)
    assert list(watch.rates) == [6, 7]
    assert fingerprint(resumed.model.state_dict()) == fingerprint(whole.model.state_dict())
    assert sorted(p.name for p in (tmp_path / 'run').glob('*.pth')) == ['iter_6.pth', 'iter_8.pth']


def test_another_number_of_iterations(copied, tmp_path):
    """As with another number of processes: two iterations an epoch instead of four."""
    _, watch = train(copied, batch_size=4)
    _, expected = train(tmp_path / 'whole', batch_size=4)
    assert list(watch.rates) == [2, 3]
    assert [watch.rates[i] for i in (2, 3)] == [
        [pytest.approx(rate) for rate in expected.rates[i]] for i in (2, 3)
    ]
    text = log(copied)
    assert 'mid_epoch_1.pth is skipped: it was taken within an epoch, and is of 1 proc' in text
    assert 'going on from the beginning of epoch 2' in text


def test_an_epoch_that_was_named_restarts(copied):
    _, watch = train(copied, batch_size=4, load_from=str(copied / 'mid_epoch_1.pth'))
    assert list(watch.rates) == [2, 3]


def test_a_run_without_a_seed_keeps_its_own(tmp_path):
    run, _ = train(tmp_path / 'run', stop=3, randomness=dict(seed=None))
    seed = run.train_loop.dataloader.sampler.sampler.seed
    again, _ = train(tmp_path / 'run', stop=3, randomness=dict(seed=None))
    assert again.train_loop.dataloader.sampler.sampler.seed == again.seed == seed


def test_what_a_checkpoint_holds(stopped):
    state = safe_load(stopped / 'mid_epoch_1.pth')['run_state']
    own = state.pop('ranks')
    data = state.pop('data')
    assert data['images'] == 8 and len(data['sha256']) == 64
    assert state == dict(
        world_size=1, epoch_length=4, position=2, validated=False, sampler_seed=0,
        stop_training=False, hooks={},
    )  # fmt: skip
    assert own[0]['random'].keys() >= {'python', 'numpy', 'torch'}


def test_files_that_cannot_be_resumed(copied):
    weights = dict(meta={}, state_dict={'w': torch.zeros(1)}, message_hub={})
    torch.save(weights, copied / 'weights.pth')
    with pytest.raises(CheckpointError, match='weights.pth: nothing to resume'):
        train(copied, load_from=str(copied / 'weights.pth'))
    whole = (copied / 'epoch_1.pth').read_bytes()
    (copied / 'epoch_1.pth').write_bytes(whole[:-200])
    with pytest.raises(CheckpointError, match='epoch_1.pth'):
        train(copied, load_from=str(copied / 'epoch_1.pth'))


def test_a_new_run_forgets_the_old_one(copied):
    train(copied, stop=1, resume=False)
    assert not (copied / 'last_checkpoint').exists()
    _, watch = train(copied, stop=1)
    assert list(watch.rates) == [0]
    assert 'name it: --resume FILE' in log(copied)


class Scores(BaseMetric):
    """The best score comes after the first epoch."""

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        epoch = MessageHub.get_current_instance().get_info('epoch')
        return dict(mAP=50.0 - epoch)


EARLY = dict(
    epochs=8,
    extra_hooks=[dict(type='EarlyStoppingHook', monitor='mAP', patience=3)],
    val_dataloader=dict(
        dataset=Numbers(2), batch_size=2, sampler=dict(type='DefaultSampler', shuffle=False)
    ),
    val_cfg=dict(),
    val_evaluator=[Scores()],
)


@pytest.mark.parametrize('stop', [5, 9, 15])
def test_early_stopping_remembers(tmp_path, stop):
    """Epoch 1 is the best, and the run ends after three more, wherever it was stopped between."""
    whole, _ = train(tmp_path / 'whole', **EARLY)
    assert whole.epoch == 4
    saving = {**EVERY_TWO, 'save_best': 'mAP', 'rule': 'greater'}
    train(tmp_path / 'run', stop=stop, saving=saving, **EARLY)
    resumed, _ = train(tmp_path / 'run', saving=saving, **EARLY)
    assert resumed.epoch == 4
    assert fingerprint(resumed.model.state_dict()) == fingerprint(whole.model.state_dict())


def test_what_has_changed_is_printed(copied):
    metadata = dict(config=json.dumps(dict(optim_wrapper=dict(optimizer=dict(lr=0.1)))))
    path = copied / 'mid_epoch_1.pth'
    content = load(path).content
    content['meta'][KEY] = metadata
    content['run_state']['data']['sha256'] = 'f' * 64
    torch.save(content, path)
    run, _ = train(copied, cfg=Config(dict(optim_wrapper=dict(optimizer=dict(lr=0.2)))))
    assert run.cfg.optim_wrapper.optimizer.lr == 0.1, 'what is in force'
    lines = [' '.join(line.split()) for line in log(copied).splitlines()]
    assert any(x.startswith('optim_wrapper.optimizer.lr 0.1 0.2 no') for x in lines)
    assert any(x.startswith('training data 8 images, sha256 ffffffff') for x in lines)


def test_without_changes_nothing_is_printed(copied):
    train(copied)
    assert 'takes effect' not in log(copied)


class Forgetful(Hook):
    """Remembers something that no checkpoint holds."""

    def __init__(self):
        self.seen = 0

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.seen += 1


def test_a_hook_whose_state_is_not_saved_is_named(tmp_path):
    train(tmp_path / 'run', extra_hooks=[Forgetful()])
    assert log(tmp_path / 'run').count('Forgetful.seen') == 1


def test_a_loop_that_cannot_resume_is_named_beforehand(tmp_path):
    train(tmp_path / 'run', train_cfg=dict(by_epoch=False, max_iters=2), param_scheduler=None)
    text = log(tmp_path / 'run')
    assert 'train_cfg.type=IterBasedTrainLoop: data order' in text


@pytest.fixture
def run(tmp_path):
    """A folder with four checkpoints, of which mid_epoch_10 is the newest of the run."""
    names = ('epoch_9', 'epoch_10', 'mid_epoch_10', 'best_mAP_epoch_10', 'epoch_50')
    for name in names:
        content = dict(optimizer={}, state_dict=dict(w=torch.arange(1000.0)), name=name)
        torch.save(content, tmp_path / f'{name}.pth')
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'mid_epoch_10.pth'))
    return tmp_path


def names(paths):
    return [path.stem for path in paths]


def test_order(run):
    assert names(candidates(run)) == ['mid_epoch_10', 'epoch_10', 'epoch_9']  # 50: an older run's
    (run / 'last_checkpoint').write_text(str(run / 'epoch_10.pth'))
    assert names(candidates(run)) == ['epoch_10', 'epoch_9']
    (run / 'last_checkpoint').unlink()
    assert candidates(run) == [] and latest_checkpoint(run) is None


def test_a_moved_folder(run, tmp_path_factory):
    moved = tmp_path_factory.mktemp('moved') / 'run'
    shutil.copytree(run, moved)
    assert latest_checkpoint(moved) == str(moved / 'mid_epoch_10.pth')


@pytest.mark.parametrize(
    'damage',
    [
        lambda content: content[: len(content) // 2],
        lambda content: b'',
        lambda content: content.replace(bytes([0, 0, 128, 63]), bytes([0, 0, 127, 63]), 1),
    ],
    ids=['truncated', 'empty', 'one byte'],
)
def test_damaged_files_are_skipped(run, damage):
    for path in (run / 'mid_epoch_10.pth', run / 'epoch_10.pth'):
        path.write_bytes(damage(path.read_bytes()))
    assert latest_checkpoint(run) == str(run / 'epoch_9.pth')
    with pytest.raises(CheckpointError, match='epoch_10.pth'):
        load_whole(run / 'epoch_10.pth')


def test_an_absent_file_is_skipped(run):
    os.unlink(run / 'mid_epoch_10.pth')
    assert latest_checkpoint(run) == str(run / 'epoch_10.pth')


def test_those_within_an_epoch_of_another_length_are_skipped(run):
    state = dict(world_size=1, epoch_length=4, position=2)
    content = dict(optimizer={}, state_dict={'w': torch.zeros(1)}, run_state=state)
    torch.save(content, run / 'mid_epoch_10.pth')
    for length, name in ((4, 'mid_epoch_10'), (5, 'epoch_10')):
        loop = SimpleNamespace(dataloader=range(length))
        assert latest_checkpoint(run, loop) == str(run / f'{name}.pth')


def test_weights_alone(run):
    torch.save(dict(state_dict={'w': torch.zeros(1)}), run / 'mid_epoch_10.pth')
    with pytest.raises(CheckpointError, match='no state of an optimizer'):
        load_whole(run / 'mid_epoch_10.pth')


def test_by_epochs_and_by_iterations(tmp_path, stopped):
    """Either stops, or goes on by its own count and says what differs."""
    by_iterations = dict(
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=8),
        saving=dict(interval=3, by_epoch=False),
    )
    train(tmp_path / 'run', **by_iterations)
    with pytest.raises(CheckpointError, match='iter_6.pth was saved after 6 iterations of epoch 1'):
        train(tmp_path / 'other', load_from=str(tmp_path / 'run/iter_6.pth'))
    run, _ = train(tmp_path / 'third', load_from=str(stopped / 'epoch_1.pth'), **by_iterations)
    assert run.iter == 8 and 'IterBasedTrainLoop: data order' in log(tmp_path / 'third')
