"""Published, hostile and our own weights through the command-line tools."""

import pickle
import shutil
import signal
import sys

import numpy as np
import pytest
import torch
from hostile import Touch
from machine import FORK, write_to
from tiny import make_photos, write_config

from mlgcn.checkpoints import load
from mlgcn.cli import main


@pytest.fixture
def config(tmp_path):
    return write_config(tmp_path, make_photos(tmp_path / 'photos', 8, 5))


@pytest.mark.parametrize('words', [
    'test CONFIG BAD --work-dir OUT',
    'train CONFIG --work-dir OUT --resume BAD',
    'train CONFIG --work-dir OUT --cfg-options load_from=BAD',
    'convert BAD OUT',
    'publish BAD OUT',
    'describe BAD',
])  # fmt: skip
def test_hostile_files_are_refused_by_every_tool(tool, tmp_path, config, words):
    marker = tmp_path / 'marker'
    torch.save(dict(meta={}, state_dict=Touch(marker)), tmp_path / 'bad.pth')
    paths = dict(CONFIG=config, BAD=tmp_path / 'bad.pth', OUT=tmp_path / 'out')
    for name, path in paths.items():
        words = words.replace(name, str(path))
    error = tool(*words.split())
    assert 'bad.pth: not loaded, because it asks for' in error
    assert not marker.exists()


def without_pickle(log, args):
    """The body of a process: a command, where unpickling a file raises."""

    def refuse(*_, **__):
        raise SystemExit('pickle.load was called')

    pickle.load = refuse
    write_to(log)
    sys.argv = ['mlgcn', *map(str, args)]
    main()


def start(log, *args):
    process = FORK.Process(target=without_pickle, args=(log, args))
    process.start()
    return process


def finish(folder, *args):
    log = folder / 'command.log'
    process = start(log, *args)
    process.join(300)
    assert process.exitcode == 0, log.read_text()[-3000:]
    return log.read_text()


KILLED = """
train_cfg = dict(max_epochs=4, val_interval=1)
custom_hooks = [dict(type='Harm', kind='kill_once', at=14)]  # in the third epoch
"""


@pytest.mark.slow
def test_killed_resumed_scored_and_published_with_safe_loads_alone(tmp_path, monkeypatch):
    photos = make_photos(tmp_path / 'photos')
    config = write_config(tmp_path, photos, extra=KILLED)
    work = tmp_path / 'work'
    monkeypatch.setenv('TORCHELASTIC_RESTART_COUNT', '0')
    process = start(tmp_path / 'killed.log', 'train', config, '--work-dir', work)
    process.join(300)
    assert process.exitcode == -signal.SIGKILL and (work / 'epoch_2.pth').exists()
    monkeypatch.setenv('TORCHELASTIC_RESTART_COUNT', '1')
    text = finish(tmp_path, 'train', config, '--work-dir', work, '--resume')
    assert 'resumed epoch' in text and (work / 'epoch_4.pth').exists()

    published = tmp_path / 'model.safetensors'
    finish(tmp_path, 'publish', work / 'epoch_4.pth', published)
    scores = []
    for file in (work / 'epoch_4.pth', published):
        out = tmp_path / f'{file.stem}.npz'
        args = (config, file, '--out', out, '--work-dir', tmp_path / 'test')
        assert 'mAP' in finish(tmp_path, 'test', *args)
        with np.load(out) as arrays:
            scores.append(arrays['scores'])
    np.testing.assert_array_equal(*scores)
    metadata = load(published).metadata
    assert metadata['classes'] == ['box', 'disc', 'ring'] and metadata['epoch'] == 4
    assert metadata['sha256'] == load(work / 'epoch_4.pth').sha256


@pytest.mark.slow
def test_class_names_are_compared_in_every_command(mlgcn, tmp_path, monkeypatch):
    """A run on disc, ring and box; then `ring` is called `hoop`, or the order differs."""
    monkeypatch.chdir(tmp_path)
    photos = make_photos(tmp_path / 'photos', 8, 5)
    config = write_config(tmp_path, photos)
    assert mlgcn('train', config, '--work-dir', 'run').status == 0
    shutil.copytree('run', 'finished', ignore=shutil.ignore_patterns('.lock*'))
    again = mlgcn('train', config, '--work-dir', 'finished')
    assert again.status == 2 and '--resume' in again.error and '--force' in again.error
    for name in ('train', 'val'):
        text = (photos / f'{name}.csv').read_text()
        (photos / f'{name}2.csv').write_text(text.replace('ring', 'hoop'))
    other = [f'own.train={photos}/train2.csv', f'own.val={photos}/val2.csv']
    options = ('--work-dir', 'other', '--cfg-options')
    for args in (
        ('train', config, '--resume', 'run/epoch_1.pth', *options, *other),
        ('test', config, 'run/epoch_1.pth', *options, other[1]),
        ('calibrate', config, 'run/epoch_1.pth', '--cfg-options', *other),
        ('test', config, 'run/epoch_1.pth', *options,
         'test_dataloader.dataset.classes=["ring", "disc", "box"]'),
    ):  # fmt: skip
        answer = mlgcn(*args)
        assert answer.status == 2, args
        assert 'hoop' in answer.error or "class 0 is 'box' there, 'ring' here" in answer.error
    options = ('--work-dir', 'started', '--cfg-options')
    answer = mlgcn('train', config, *options, *other, 'load_from=run/epoch_1.pth')
    assert answer.status == 0
    assert 'rows of 2 of 3 classes moved by their names; these start new: hoop' in (
        answer.out + answer.err
    )


@pytest.mark.slow
def test_published_weights_are_scored_directly(tmp_path, small):
    """mlgcn test CONFIG PUBLISHED gives the scores of the converted file."""
    import csv

    path, _ = small
    photos = make_photos(tmp_path / 'photos', 4, 4)
    names = 'abcdefg'
    with open(photos / 'val.csv', newline='') as file:
        rows = [[row[0], names[i % 7]] for i, row in enumerate(csv.reader(file))]
    rows[0][1] = '|'.join(names)
    with open(photos / 'val.csv', 'w', newline='') as file:
        csv.writer(file).writerows(rows)
    graph = dict(k=5, num_groups=1)
    stages = dict(arch='t', img_size=128, out_indices=(0, 1, 2, 3))
    backbone = dict(type='mlgcn.PyramidViG', **stages, **graph)
    widths = (48, 96, 240, 384)
    neck = dict(type='mlgcn.LabelGraphNeck', in_channels=widths, num_classes=None, **graph)
    head = dict(type='mlgcn.GKGHead', num_classes=None, in_channels=384)
    model = dict(type='ImageClassifier', backbone=backbone, neck=neck, head=head)
    resize = dict(type='Resize', scale=(128, 128), backend='pillow')
    pipeline = [dict(type='LoadImageFromFile'), resize, dict(type='PackInputs')]
    config = write_config(tmp_path, photos)
    text = config.read_text()
    text = text[: text.index('model = dict(')] + f'model = {model}\n'
    config.write_text(text + f'test_dataloader = dict(dataset=dict(pipeline={pipeline}))\n')
    finish(tmp_path, 'convert', path, tmp_path / 'ours.pth')
    scores = []
    for file in (path, tmp_path / 'ours.pth'):
        out = tmp_path / f'{file.stem}.npz'
        finish(tmp_path, 'test', config, file, '--out', out, '--work-dir', tmp_path / 'work')
        with np.load(out) as arrays:
            scores.append(arrays['scores'])
    np.testing.assert_array_equal(*scores)
    assert scores[0].shape == (4, 7) and scores[0].std() > 0


@pytest.mark.slow
def test_averaged_weights_score_as_their_metadata_says(tmp_path):
    """EMAHook swaps the weights while saving and loading."""
    hook = dict(type='EMAHook', momentum=0.01, priority='ABOVE_NORMAL')
    extra = f'custom_hooks = [{hook}]'
    config = write_config(tmp_path, make_photos(tmp_path / 'photos'), extra=extra)
    finish(tmp_path, 'train', config, '--work-dir', tmp_path / 'work')
    (best,) = (tmp_path / 'work').glob('best_mAP_epoch_*.pth')
    checkpoint = load(best)
    metadata = checkpoint.metadata
    assert metadata['sha256'] == checkpoint.sha256
    text = finish(tmp_path, 'test', config, best, '--work-dir', tmp_path / 'test')
    assert text.split()[-1] == f'{metadata["metrics"]["values"]["mAP"]:.2f}'
