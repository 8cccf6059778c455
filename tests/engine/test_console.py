"""What a person sees of a run: which records, where, and the commands at its end."""

import logging
import shlex

import pytest
from mmengine.hooks import CheckpointHook
from mmengine.logging import MMLogger, print_log
from tiny import make_photos, write_config

from mlgcn.engine import console
from mlgcn.engine.console import best_checkpoint, next_steps


@pytest.fixture
def logger(monkeypatch, request):
    """A logger as a command has it; mmengine's `print_log` finds it as the current one."""
    monkeypatch.setattr(console, 'level', logging.INFO)
    return MMLogger.get_instance(request.node.name)


def say(text, level=logging.INFO, module='mlgcn/datasets/base.py'):
    """`print_log` as called in a file of mlgcn or of another package."""
    place = console.PACKAGE.removesuffix('mlgcn') + module
    scope = dict(print_log=print_log, text=text, level=level)
    exec(compile("print_log(text, 'current', level)", place, 'exec'), scope)


def test_own_records_and_all_warnings_are_shown(logger, capsys):
    say('a header was found')
    say('hooks in their order', module='mmengine/runner.py')
    say('bad value', logging.WARNING, module='mmengine/runner.py')
    say('FileClient will be deprecated', logging.WARNING, module='mmengine/runner.py')
    frozen = 'backbone.conv1.weight is skipped since its requires_grad=False'
    say(frozen, logging.WARNING, module='mmengine/optim/optimizer/default_constructor.py')
    say('deprecated/1.jpg: half of it is missing', logging.WARNING)
    logger.info('a table', extra=dict(file_only=True))
    out, err = capsys.readouterr()
    assert out == '' and err.splitlines() == [
        'a header was found',
        'warning: bad value',
        'warning: deprecated/1.jpg: half of it is missing',
    ]


def test_loggers_of_earlier_runs_speak_by_it_too(monkeypatch, capsys, request):
    monkeypatch.setattr(console, 'level', None)
    logger = MMLogger.get_instance(request.node.name)
    console.show()
    logger.info('hooks in their order')
    say('a header was found')
    assert tuple(capsys.readouterr()) == ('', 'a header was found\n')


def test_a_warning_is_said_once_where_that_is_asked(logger, monkeypatch, capsys):
    monkeypatch.setattr(console, 'once', {'said by the process that started this one'})
    for text in ('a header', 'a header', 'said by the process that started this one'):
        say(text, logging.WARNING)
    assert capsys.readouterr().err == 'warning: a header\n'
    console.show()
    assert console.once is None


def test_all_that_is_logged_is_no_result(monkeypatch, capsys, request):
    monkeypatch.setattr(console, 'level', None)
    console.show(verbose=True)
    MMLogger.get_instance(request.node.name).info('hooks in their order')
    out, err = capsys.readouterr()
    assert out == '' and 'hooks in their order' in err


class Stub:
    """A runner of which nothing but its hooks and its folder is asked."""

    def __init__(self, work_dir, best):
        hook = CheckpointHook(interval=1)
        hook.best_ckpt_path = best
        self.work_dir, self.hooks = str(work_dir), [hook]


def test_the_best_checkpoint_is_of_this_run(tmp_path):
    (tmp_path / 'best_mAP_epoch_9.pth').write_bytes(b'')  # of an earlier run
    assert best_checkpoint(Stub(tmp_path, None)) is None
    last = tmp_path / 'epoch_3.pth'
    (tmp_path / 'last_checkpoint').write_text(str(last))
    assert best_checkpoint(Stub(tmp_path, None)) == last
    best = tmp_path / 'best_mAP_epoch_2.pth'
    assert best_checkpoint(Stub(tmp_path, str(best))) == best
    assert 'epoch_3.pth --metrics all' in next_steps(last, 'addgcn_scenes')
    told = next_steps(
        last,
        'own_linear',
        {'own.train': 'my photos/a.csv', 'own.val': 'b.csv', 'train_cfg.max_epochs': '3'},
    )
    _, test, calibrate, predict = told.splitlines()
    assert shlex.split(test)[-3:] == ['--cfg-options', 'own.train=my photos/a.csv', 'own.val=b.csv']
    assert calibrate.endswith(' own.val=b.csv') and 'own.val' not in predict


@pytest.mark.slow
def test_a_training_on_one_screen(mlgcn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path, make_photos(tmp_path / 'photos'), 'LinearHead')
    answer = mlgcn('train', config, '--seed', 0)
    lines = answer.err.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith('epoch 1, batch 2/12'))
    assert first <= 25 and '24 images, 3 classes' in answer.err
    assert any('12/12 (100 %)' in line for line in lines)
    rows = [line for line in lines if ' mAP ' in line]
    assert len(rows) == 2 and rows[0].endswith('*')
    assert 'best checkpoint: work_dirs/tiny/best_mAP_epoch_' in answer.out
    scored = mlgcn('test', config, 'work_dirs/tiny/epoch_2.pth', '--metrics', 'mAP')
    assert 'scored images 8/13 (62 %)' in scored.err and '13/13 (100 %)' in scored.err
    quiet = mlgcn('train', config, '--seed', 0, '--force', '--quiet')
    assert quiet.err == '' and quiet.out.splitlines()[-1].startswith('  mlgcn predict')
