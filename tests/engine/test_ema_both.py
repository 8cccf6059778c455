"""configs/_base_/schedules/ema_both.py: the average and the plain weights are both scored."""

import numpy as np
import pytest
import torch
from tiny import ROOT, make_photos, write_config

from mlgcn.checkpoints.safe_load import safe_load
from mlgcn.cli import execute
from mlgcn.evaluation import ScoresFile


@pytest.mark.slow
def test_average_and_plain_weights_are_scored(tmp_path, capsys):
    extra = (ROOT / 'configs/_base_/schedules/ema_both.py').read_text()
    extra = extra.replace('momentum=3e-4', 'momentum=0.5')
    config = write_config(tmp_path, make_photos(tmp_path / 'photos'), 'LinearHead', extra)
    execute('train', [str(config), '--work-dir', str(tmp_path / 'run'), '--seed', '0'])
    log = next((tmp_path / 'run').rglob('*.log')).read_text()
    lines = [line for line in log.splitlines() if 'Epoch(val)' in line]
    assert len(lines) == 2 and all('mAP:' in line and 'mAP_origin:' in line for line in lines)
    saved = safe_load(tmp_path / 'run' / 'epoch_2.pth')
    alone = dict(meta=saved['meta'], state_dict=saved['state_dict'])
    torch.save(alone, tmp_path / 'alone.pth')
    for name, count in (('run/epoch_2.pth', 1), ('alone.pth', 0)):  # scored if in the file
        work = tmp_path / f'test {count}'
        # runs of one name that start in one second share mmengine's logger
        own = ['--work-dir', str(work), '--cfg-options', f'experiment_name=test{count}']
        capsys.readouterr()
        execute('test', [str(config), str(tmp_path / name), '--out', f'{work}.npz', *own])
        (log,) = work.rglob('*.log')
        assert log.read_text().count('mAP_origin:') == count
        # both are printed, and told apart
        said = capsys.readouterr().out
        assert said.count('Multi-label scores') == 1 + count
        assert said.count('Plain weights:') == said.count('Their moving average') == count
    # the scores file is of the weights that it names and `predict` uses: the average
    both, average = (ScoresFile.load(tmp_path / f'test {count}.npz') for count in (1, 0))
    np.testing.assert_array_equal(both.scores, average.scores)
    # `state_dict` is the average, which is scored and used; the plain weights stand beside it
    plain = {k.removeprefix('module.'): v for k, v in saved['ema_state_dict'].items()}
    key = 'head.fc.weight'
    assert plain[key].shape == saved['state_dict'][key].shape
    assert not torch.equal(plain[key], saved['state_dict'][key])
    counter = 'backbone.bn1.num_batches_tracked'
    assert saved['state_dict'][counter] > 0
