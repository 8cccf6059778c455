"""mlgcn hide-labels: the file, its facts, the published validation split."""

import csv
import hashlib
import json

import numpy as np
import pytest
from tiny import make_photos, write_config

from mlgcn.cli import execute
from mlgcn.datasets.hidden_labels import hide_labels, split_rows


@pytest.fixture
def config(tmp_path):
    return str(write_config(tmp_path, make_photos(tmp_path / 'photos')))


def read(path):
    header, *rows = csv.reader(path.open())
    return header[1:], [row[0] for row in rows], np.array([row[1:] for row in rows]).astype(int)


def test_file_and_facts(tmp_path, config, capsys):
    execute('hide-labels', [config, str(tmp_path / 'all.csv'), 'partial', '1'])
    classes, names, complete = read(tmp_path / 'all.csv')
    assert complete.min() == 0 and '100.0%' in capsys.readouterr().out
    out = tmp_path / 'half.csv'
    execute('hide-labels', [config, str(out), 'partial', '0.5', '--seed', '5'])
    assert read(out)[:2] == (classes, names)
    expected = hide_labels(complete, 'partial', [0.5], 5)
    np.testing.assert_array_equal(read(out)[2], expected)
    facts = json.loads(out.with_suffix('.json').read_text())
    assert facts['sha256'] == hashlib.sha256(expected.astype(np.int8).tobytes()).hexdigest()
    assert (facts['rule'], facts['amounts'], facts['seed']) == ('partial', [0.5], 5)
    with pytest.raises(FileExistsError, match='half.csv'):
        execute('hide-labels', [config, str(out), 'rps'])


def test_validation_split_keeps_its_labels(tmp_path, config):
    outs = [str(tmp_path / name) for name in ('all.csv', 'train.csv', 'val.csv')]
    execute('hide-labels', [config, outs[0], 'partial', '1'])
    execute('hide-labels', [config, outs[1], 'single', '--validation', outs[2]])
    _, names, complete = read(tmp_path / 'all.csv')
    train, val = split_rows(len(names))
    _, kept, left = read(tmp_path / 'train.csv')
    _, cut, whole = read(tmp_path / 'val.csv')
    assert sorted(kept + cut) == sorted(names) and (len(kept), len(cut)) == (len(train), len(val))
    rows = {name: row.tolist() for name, row in zip(names, complete)}
    assert [rows[name] for name in cut] == whole.tolist()
    assert ((left == 1).sum(axis=1) <= 1).all() and (left != 0).all()


def test_wrong_arguments(tmp_path, config):
    with pytest.raises(ValueError, match='out.txt'):
        execute('hide-labels', [config, str(tmp_path / 'out.txt'), 'rps'])
    with pytest.raises(ValueError, match='share'):
        execute('hide-labels', [config, str(tmp_path / 'out.csv'), 'rps', '2'])
    assert not (tmp_path / 'out.csv').exists()


@pytest.mark.slow
@pytest.mark.parametrize('loss', ['BinaryCrossEntropy', 'ASL', 'EntropyMaximizationLoss'])
def test_training_with_85_percent_of_the_labels_unknown(tmp_path, config, loss):
    out, photos = tmp_path / 'few.csv', tmp_path / 'photos'
    execute('hide-labels', [config, str(out), 'partial', '0.15'])
    assert (read(out)[2] == -1).mean() > 0.7
    options = [f'own.train={out}', f'own.images={photos}', f'model.head.loss.type=mlgcn.{loss}']
    run = ['--work-dir', str(tmp_path / 'run'), '--seed', '0']
    execute('train', [config, *run, '--cfg-options', *options])
    (log,) = (tmp_path / 'run').glob('*/vis_data/scalars.json')
    losses = [json.loads(line).get('loss') for line in log.read_text().splitlines()]
    assert np.isfinite([value for value in losses if value is not None]).all()
    assert (tmp_path / 'run/epoch_2.pth').is_file()
