"""Images that vanish while `tools/train.py` runs, under both policies."""

from pathlib import Path

import pytest
from machine import errors, run_tool
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from tiny import make_photos, write_config

pytestmark = pytest.mark.slow
CONFIG = """
default_hooks = dict(skipped_images=dict(type='mlgcn.SkippedImagesHook'))
custom_hooks = [dict(type='Vanish', photos='{}')]
"""


@HOOKS.register_module()
class Vanish(Hook):
    """Takes two photographs away after the first epoch, when its workers have read them once."""

    def __init__(self, photos):
        self.photos = Path(photos)

    def after_train_epoch(self, runner):
        if runner.epoch == 0:
            (self.photos / 'train 3.jpg').unlink()
            (self.photos / 'train 11.jpg').write_bytes(b'')


def train(tmp_path, policy):
    photos = make_photos(tmp_path / 'photos', 12, 5)
    config = write_config(tmp_path, photos, extra=CONFIG.format(photos))
    options = [f'train_dataloader.dataset.bad_images={policy}', 'train_dataloader.num_workers=2']
    args = ('--work-dir', tmp_path / 'work', '--seed', 0, '--cfg-options', *options)
    ((status, text),) = run_tool(tmp_path, 'train', config, *args)
    return status, text


def test_skip_goes_on_and_lists_them_at_the_end(tmp_path):
    status, text = train(tmp_path, 'skip')
    assert status == 0, text[-2000:]
    (log,) = (tmp_path / 'work').glob('*/*.log')
    log = log.read_text().splitlines()
    assert any('Epoch(train) [2][3/3]' in line for line in log)
    start = next(i for i, line in enumerate(log) if 'could not be read and were left out' in line)
    assert len(log) - start <= 6
    assert '2 images could not be read' in log[start]
    assert log[start + 1].endswith('train 11.jpg (empty file)')
    assert log[start + 2].endswith('train 3.jpg (No such file)')


def test_stop_names_the_image_in_one_line(tmp_path):
    status, text = train(tmp_path, 'stop')
    assert status == 2
    (line,) = errors(text)
    assert 'this image can no longer be read' in line
    assert 'train 11.jpg' in line or 'train 3.jpg' in line
