"""mlgcn score as a user meets it."""

import sys

import numpy as np
import pytest

from mlgcn.cli import main
from mlgcn.evaluation import ScoresFile
from mlgcn.evaluation.published import EVALUATORS


@pytest.fixture
def score(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    targets = (rng.random((40, 3)) < 0.4).astype(np.int8)
    targets[0, 0], targets[:, 2] = -1, 0
    scores = (rng.normal(size=targets.shape) + targets).astype(np.float32)
    names = np.array([f'{i}.jpg' for i in range(40)])
    classes = np.array(['cat', 'dog', 'cow'])
    ScoresFile(names, classes, scores, targets, 'addgcn').save(tmp_path / 's.npz')

    def run(*args):
        monkeypatch.setattr(sys, 'argv', ['mlgcn', 'score', str(tmp_path / 's.npz'), *args])
        main()
        return capsys.readouterr().out

    return run


def test_every_protocol_has_a_row(score):
    lines = score().splitlines()
    rows = {line.split('│')[1].strip(): line.split('│')[2:] for line in lines if '│' in line}
    assert {'addgcn', 'gkgnet', *EVALUATORS} <= rows.keys()
    assert rows['addgcn'][0].strip() == '2' and rows['gkgnet'][0].strip() == '3'
    assert rows['csra'][1].strip() == 'error' and rows['voc2010'][1].strip() == 'nan'
    assert 'same predictions' in lines[-1]


@pytest.mark.filterwarnings('ignore:.*no positive image')
def test_one_protocol(score):
    text = score('--protocol', 'mmpretrain', '--per-class')
    assert "protocol 'mmpretrain', 40 images, 3 classes" in text
    assert [line.split()[:2] for line in text.splitlines()[2:5]][2] == ['cow', '0']
