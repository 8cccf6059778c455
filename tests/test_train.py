"""Whole runs through the tools: train, resume, score; the same seed gives the same weights."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from machine import free_port, run_tool
from tiny import ROOT, make_photos, write_config

from mlgcn.checkpoints.safe_load import safe_load
from mlgcn.evaluation import multilabel_scores

pytestmark = pytest.mark.slow


def run(*command):
    """Run a command of the README; its output, with an assertion that it went well."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


def tool(name, work, *args):
    """Run `tools/NAME.py` in a forked process; likewise."""
    ((status, text),) = run_tool(work.parent, name, *args, '--work-dir', work)
    assert status == 0, text[-3000:]
    return text


def train(config, work, *args):
    return tool('train', work, config, '--seed', 7, *args)


def score(config, checkpoint, out, *command):
    options = ('--metrics', 'mAP', '--out', out)
    if command:
        text = run(*command, *options, '--work-dir', out.parent / 'test')
    else:
        text = tool('test', out.parent / 'test', config, checkpoint, *options)
    with np.load(out, allow_pickle=False) as file:
        return text, dict(file)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('run')
    config = write_config(folder, make_photos(folder / 'photos'))
    train(config, folder / 'a')
    return folder, config


def safe_weights(path):
    return safe_load(path)['state_dict']


def test_scores_file_and_table(trained):
    folder, config = trained
    text, file = score(config, folder / 'a/epoch_2.pth', folder / 'scores.npz')
    assert "protocol 'addgcn', 13 images, 3 classes" in text
    assert file['scores'].shape == file['targets'].shape == (13, 3)
    assert list(file['class_names']) == ['box', 'disc', 'ring']


def test_same_seed_same_weights(trained):
    folder, config = trained
    train(config, folder / 'b')
    first, second = safe_weights(folder / 'a/epoch_2.pth'), safe_weights(folder / 'b/epoch_2.pth')
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_resume_goes_on(trained):
    folder, config = trained
    text = train(config, folder / 'a', '--resume', '--cfg-options', 'train_cfg.max_epochs=3')
    assert 'resumed epoch: 2' in text
    assert (folder / 'a/epoch_3.pth').exists()


def test_skipping_a_bad_image(trained):
    folder, _ = trained
    photos = make_photos(folder / 'with a bad one')
    (photos / 'train 5.jpg').write_bytes(b'no image')
    (folder / 'skip').mkdir()
    config = write_config(folder / 'skip', photos)
    text = train(config, folder / 'c', '--cfg-options', 'train_dataloader.dataset.bad_images=skip')
    assert '1 of 24 images cannot be read and are left out' in text
    assert 'train 5.jpg' in text


def test_two_processes_train_and_score_as_one(trained, python, monkeypatch):
    """gloo on the CPU: dist_train.sh runs, dist_test.sh gives the same scores as one process."""
    folder, config = trained
    monkeypatch.setenv('PYTHON_EXEC', str(python))  # torchrun's name for what starts the ranks
    monkeypatch.setenv('PORT', free_port())
    options = ('--work-dir', folder / 'd', '--seed', 7)
    run('bash', 'tools/dist_train.sh', config, 2, *options)
    checkpoint = folder / 'd/epoch_2.pth'
    _, one = score(config, checkpoint, folder / 'one.npz')
    command = ('bash', 'tools/dist_test.sh', config, checkpoint, 2)
    text, two = score(config, checkpoint, folder / 'two.npz', *command)
    assert '13 images' in text, 'padded duplicates must not count'
    np.testing.assert_array_equal(one['file_names'], two['file_names'])
    np.testing.assert_allclose(one['scores'], two['scores'], atol=1e-6)
    assert _map(one) == pytest.approx(_map(two), abs=1e-9)


def _map(file):
    return multilabel_scores(file['scores'], file['targets'], 'addgcn')['mAP']
