"""Images that vanish while `tools/train.py` runs, under both policies."""

import os
import subprocess
import sys

import pytest
from tiny import ROOT, make_photos, write_config

# Takes two photographs away after the first epoch, when its workers have read them once.
VANISH = """
import os
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

@HOOKS.register_module()
class Vanish(Hook):
    def after_train_epoch(self, runner):
        if runner.epoch == 0:
            os.unlink('{photos}/train 3.jpg')
            open('{photos}/train 11.jpg', 'w').close()
"""
CONFIG = """
default_hooks = dict(skipped_images=dict(type='mlgcn.SkippedImagesHook'))
custom_imports = dict(imports=['mlgcn', 'vanish'])
custom_hooks = [dict(type='Vanish')]
"""


@pytest.fixture
def train(tmp_path):
    """A function that trains in a process of its own; gives its status, log and errors."""
    photos = make_photos(tmp_path / 'photos', 12, 5)
    config = write_config(tmp_path, photos, extra=CONFIG)
    (tmp_path / 'vanish.py').write_text(VANISH.format(photos=photos))

    def run(policy):
        command = [sys.executable, str(ROOT / 'tools/train.py'), str(config), '--seed', '0']
        command += ['--work-dir', str(tmp_path / 'work'), '--cfg-options']
        command += [f'train_dataloader.dataset.bad_images={policy}']
        command += ['train_dataloader.num_workers=2']
        environment = {**os.environ, 'PYTHONPATH': str(tmp_path), 'OMP_NUM_THREADS': '1'}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
        )
        (log,) = (tmp_path / 'work').glob('*/*.log')
        return done.returncode, log.read_text().splitlines(), done.stderr

    return run


@pytest.mark.slow
def test_skip_goes_on_and_lists_them_at_the_end(train):
    status, log, _ = train('skip')
    assert status == 0
    assert any('Epoch(train) [2][3/3]' in line for line in log)
    start = next(i for i, line in enumerate(log) if 'could not be read and were left out' in line)
    assert len(log) - start <= 6
    assert '2 images could not be read' in log[start]
    assert log[start + 1].endswith('train 11.jpg (empty file)')
    assert log[start + 2].endswith('train 3.jpg (No such file)')


@pytest.mark.slow
def test_stop_names_the_image_in_one_line(train):
    status, _, errors = train('stop')
    assert status == 2
    (line,) = (line for line in errors.splitlines() if line.startswith('error: '))
    assert 'this image can no longer be read' in line
    assert 'train 11.jpg' in line or 'train 3.jpg' in line
    assert 'Traceback' not in errors
