"""mlgcn calibrate as a user meets it."""

import dataclasses
import errno
import json

import numpy as np
import pytest
from PIL import Image
from tiny_checkpoint import CLASSES, tiny_config, write_checkpoint

from mlgcn.apis import load_model
from mlgcn.checkpoints import load
from mlgcn.evaluation import ScoresFile, calibrate
from mlgcn.evaluation.calibration import at_temperature


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A folder with checkpoint, config, 24 photographs with labels, and scores of 60 images."""
    monkeypatch.chdir(tmp_path)
    write_checkpoint(tmp_path)
    rng = np.random.default_rng(0)
    lines = []
    for index in range(24):
        pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).resize((40, 40)).save(f'{index}.png')
        present = [name for k, name in enumerate(CLASSES) if (index + k) % 3 == 0]
        lines.append(f'{index}.png,{"|".join(present)}\n')
    (tmp_path / 'val.csv').write_text(''.join(lines))
    cfg = tiny_config()
    pipeline, file = cfg.test_dataloader.dataset.pipeline, str(tmp_path / 'val.csv')
    dataset = dict(type='mlgcn.OwnPhotos', ann_file=file, pipeline=pipeline)
    cfg.val_dataloader = dict(batch_size=5, num_workers=0, dataset=dataset)
    (tmp_path / 'tiny.py').write_text(cfg.pretty_text)
    scores = (2 * rng.standard_normal((60, 3))).astype(np.float32)
    targets = (rng.random((60, 3)) < 1 / (1 + np.exp(-scores))).astype(np.int8)
    targets[:, 2] = 0
    targets[:3, 2] = 1
    names = [f'{i}.jpg' for i in range(60)]
    ScoresFile(np.array(names), np.array(CLASSES), scores, targets, 'addgcn').save('scores.npz')
    return tmp_path


def test_on_the_validation_split(mlgcn, work):
    status, told, error = mlgcn('calibrate', 'tiny.py', 'tiny.pth', '--min-positives', '3')
    assert status == 0, error
    assert 'Objective f1, per class; 24 images, 3 classes' in told
    assert 'fitted on 12 images, measured on 12' in told
    stated = load('tiny_calibrated.pth').content['meta']['mlgcn_metadata']['calibration']

    model = load_model('tiny.pth')
    logits = model.logits([model.pack(f'{i}.png') for i in range(24)])
    targets = np.int8([[(i + k) % 3 == 0 for k in range(3)] for i in range(24)])
    expected, _ = calibrate(logits, targets, CLASSES, 'f1', min_positives=3)
    assert stated['temperature'] == pytest.approx(expected['temperature'], rel=1e-3)
    chosen = at_temperature(logits, stated['temperature']) >= np.float32(stated['thresholds'])
    best = at_temperature(logits, expected['temperature']) >= np.float32(expected['thresholds'])
    np.testing.assert_array_equal(chosen, best)
    assert Image.open('tiny_calibrated.reliability.png').width > 400


def test_metadata_keeps_it_and_predict_uses_it(mlgcn, work):
    status, told, error = mlgcn(
        'calibrate', 'tiny.pth', '--scores', 'scores.npz', '--out', 'new.safetensors'
    )
    assert status == 0, error
    assert 'chosen on all classes: bird' in told
    scores = ScoresFile.load('scores.npz')
    expected, _ = calibrate(scores.scores, scores.targets, CLASSES, 'f1')
    model = load_model('new.safetensors')
    assert model.calibration.temperature == expected['temperature']
    assert model.calibration.thresholds.tolist() == expected['thresholds']
    assert 'calibrated for f1 on 60 images' in str(model.decision())

    assert mlgcn('publish', 'new.safetensors', 'published.pth')[0] == 0
    status, described, _ = mlgcn('describe', 'published.pth')
    assert 'calibrated for f1 on 60 images' in described
    assert f'cat {expected["thresholds"][0]:.4f}' in described
    assert 'shared by classes with few positives: bird' in described
    assert load_model('published.pth').calibration.temperature == expected['temperature']


def test_overwriting_keeps_the_rest_of_the_file(mlgcn, work):
    before = load('tiny.pth').content
    status, _, error = mlgcn(
        'calibrate', 'tiny.pth', '--scores', 'scores.npz', '--out', 'tiny.pth', '--force',
        '--global', '--objective', 'cost=1:2',
    )  # fmt: skip
    assert status == 0, error
    after = load('tiny.pth').content
    calibration = after['meta']['mlgcn_metadata'].pop('calibration')
    assert after['meta'] == before['meta']
    assert list(after['state_dict']) == list(before['state_dict'])
    assert len(set(calibration['thresholds'])) == 1 and calibration['scope'] == 'all decisions'
    assert json.dumps(calibration)  # plain values
    assert sorted(p.name for p in work.glob('*.pth')) == ['tiny.pth']


def test_unreached_targets_are_said(mlgcn, work):
    status, told, _ = mlgcn(
        'calibrate', 'tiny.pth', '--scores', 'scores.npz', '--objective', 'precision=1',
        '--min-positives', '1', '--out', 'x.pth',
    )  # fmt: skip
    assert status == 0
    scores = ScoresFile.load('scores.npz')
    top = [CLASSES[k] for k in range(3) if not scores.targets[scores.scores[:, k].argmax(), k]]
    assert top, 'the scores should have a class whose first image is wrong'
    stated = load('x.pth').content['meta']['mlgcn_metadata']['calibration']
    assert stated['not_reached'] == top
    assert 'precision=1 is reached at no threshold' in told and f': {", ".join(top)}' in told


@pytest.mark.parametrize(
    'args, words',
    [
        (['tiny.py', 'tiny.pth', '--objective', 'f3'], "objective 'f3': expected f1, f2, prec"),
        (['tiny.py', 'tiny.pth', '--objective', 'precision=90'], 'above 0, at most 1'),
        (['tiny.py', 'absent.pth'], 'absent.pth: no such checkpoint file'),
        (['tiny.pth'], 'give CONFIG CKPT, or CKPT --scores FILE'),
        (['absent.py', 'tiny.pth'], 'absent.py: no such config file'),
        (['tiny.py', 'val.csv'], 'val.csv: not '),
        (['tiny.pth', '--scores', 'absent.npz'], 'absent.npz: no such scores file'),
        (['tiny.pth', '--scores', 'val.csv'], 'val.csv: not a scores file'),
        (['tiny.pth', '--scores', 'other.npz'], "other.npz's are 1"),
        (['tiny.pth', '--scores', 'foreign.npz'], 'foreign.npz: the scores are not those of tiny'),
        (['tiny.py', 'tiny.pth', '--out', 'tiny.pth'], 'tiny.pth exists already'),
        (['tiny.py', 'tiny.pth', '--out', 'x.bin'], 'x.bin: expected a name that ends in'),
        (['tiny.py', 'tiny.pth', '--out', 'no/x.pth'], 'does not exist or cannot be written'),
        (['tiny.py', 'tiny.pth', '--min-positives', '0'], 'expected at least 1'),
        (['other.py', 'tiny.pth'], 'the checkpoint is of another data set'),
    ],
)
def test_wrong_input_is_one_line_and_status_2(mlgcn, work, args, words):
    one = ScoresFile(np.array(['a']), np.array(['zebra']), np.ones((1, 1)), np.ones((1, 1)), 'x')
    one.save('other.npz')
    dataclasses.replace(ScoresFile.load('scores.npz'), sha256='f' * 64).save('foreign.npz')
    (work / 'other.csv').write_text('0.png,zebra\n')
    text = (work / 'tiny.py').read_text()
    (work / 'other.py').write_text(text.replace('val.csv', 'other.csv'))
    files = sorted(p.name for p in work.iterdir())
    answer = mlgcn('calibrate', *args)
    assert answer.status == 2 and words in answer.error
    assert sorted(p.name for p in work.iterdir()) == files


def test_an_earlier_diagram_stays(mlgcn, work):
    diagram = work / 'tiny_calibrated.reliability.png'
    diagram.write_text('mine')
    answer = mlgcn('calibrate', 'tiny.pth', '--scores', 'scores.npz')
    assert answer.status == 2 and f'{diagram.name} exists already' in answer.error
    assert diagram.read_text() == 'mine' and not (work / 'tiny_calibrated.pth').exists()
    assert mlgcn('calibrate', 'tiny.pth', '--scores', 'scores.npz', '--force').status == 0


def test_no_diagram_without_its_checkpoint(mlgcn, work, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr('mlgcn.cli.calibrate.save_weights', full)
    assert mlgcn('calibrate', 'tiny.pth', '--scores', 'scores.npz').status == 1
    assert not list(work.glob('*.reliability.png'))
