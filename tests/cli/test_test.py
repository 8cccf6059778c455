"""mlgcn test: wrong checkpoints and metrics end with one line; thresholds go into scores files."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS
from tiny import CLASSES, make_photos, write_config

from mlgcn.apis import load_model
from mlgcn.checkpoints import make_metadata, save_weights
from mlgcn.evaluation import ScoresFile


@pytest.fixture
def config(tmp_path):
    return write_config(tmp_path, make_photos(tmp_path / 'photos', 4, 3), head='LinearHead')


@pytest.mark.parametrize('change, words', [
    (lambda w: w.pop('head.fc.bias'), '1 missing (e.g. head.fc.bias)'),
    (lambda w: w.update({'head.x': torch.zeros(1)}), '1 unknown (e.g. head.x)'),
    (lambda w: w.update({'head.fc.bias': torch.zeros(9)}),
     '1 of another shape (e.g. head.fc.bias: (9,), expected (3,))'),
    (lambda w: w['head.fc.bias'].fill_(torch.nan), 'NaN or infinite values in head.fc.bias'),
    (lambda w: (w.clear(), w.update({'fc.weight': torch.ones(1)})), 'does not fit the config'),
])  # fmt: skip
def test_weights_that_do_not_fit_are_named(tool, tmp_path, config, change, words):
    cfg = Config.fromfile(config)
    cfg.model.head.num_classes = 3
    weights = MODELS.build(cfg.model).state_dict()
    change(weights)
    torch.save(weights, tmp_path / 'w.pth')
    assert words in tool('test', config, tmp_path / 'w.pth', '--work-dir', tmp_path / 'out')


def test_what_is_no_checkpoint_and_no_metric(tool, tmp_path, config):
    torch.save('not a dict', tmp_path / 'w.pth')
    assert 'w.pth' in tool('test', config, tmp_path / 'w.pth', '--work-dir', tmp_path / 'out')
    line = tool('test', config, 'w.pth', '--metrics', 'mApp')
    assert "'mApp'" in line and 'CF1' in line


def test_a_calibration_goes_into_the_scores_file(mlgcn, tmp_path, config):
    cfg = Config.fromfile(config)
    cfg.model.head.num_classes = 3
    weights = MODELS.build(cfg.model).state_dict()
    stated = dict(temperature=2.0, thresholds=[0.25, 0.5, 0.75], objective='f1', images=9)
    metadata = make_metadata(weights, sorted(CLASSES), 'none', cfg)
    save_weights(tmp_path / 'w.pth', weights, {**metadata, 'calibration': stated})
    out, work = tmp_path / 'scores.npz', tmp_path / 'work'
    answer = mlgcn('test', config, tmp_path / 'w.pth', '--out', out, '--work-dir', work)
    assert answer.status == 0, answer.err
    scores = ScoresFile.load(out)
    assert scores.temperature == 2 and scores.thresholds.tolist() == stated['thresholds']


def test_class_names_do_not_reach_the_terminal_raw(mlgcn, tmp_path, config):
    evil = 'di\x1b[2Jsc'
    for path in (tmp_path / 'photos').glob('*.csv'):
        path.write_text(path.read_text().replace('disc', evil))
    cfg = Config.fromfile(config)
    cfg.model.head.num_classes = 3
    weights = MODELS.build(cfg.model).state_dict()
    metadata = make_metadata(weights, sorted(['box', evil, 'ring']), 'none', cfg)
    save_weights(tmp_path / 'w.pth', weights, metadata)
    work = tmp_path / 'work'
    answer = mlgcn('test', config, tmp_path / 'w.pth', '--per-class', '--work-dir', work)
    assert answer.status == 0 and r'di\x1b[2Jsc' in answer.out, answer.err
    assert '\x1b' not in answer.out + answer.err


def test_mirror_images_are_averaged(mlgcn, tmp_path, config):
    cfg = Config.fromfile(config)
    cfg.model.head.num_classes = 3
    weights = MODELS.build(cfg.model).state_dict()
    path = tmp_path / 'w.pth'
    save_weights(path, weights, make_metadata(weights, sorted(CLASSES), 'none', cfg))
    for name, options in (('plain', ()), ('both', ('--tta',))):
        answer = mlgcn('test', config, path, '--out', tmp_path / f'{name}.npz', '--work-dir',
                       tmp_path / 'work', *options)  # fmt: skip
        assert answer.status == 0, answer.err
    plain, both = (ScoresFile.load(tmp_path / f'{name}.npz') for name in ('plain', 'both'))
    model = load_model(config, path, device='cpu')
    packed = [model.pack(name) for name in map(str, plain.file_names)]
    np.testing.assert_allclose(both.scores, model.logits(packed, tta=True), rtol=1e-4, atol=1e-6)
    assert not np.allclose(both.scores, plain.scores, rtol=1e-4)
