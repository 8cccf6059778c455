"""mlgcn score as a user meets it."""

import numpy as np
import pytest

from mlgcn.evaluation import ScoresFile
from mlgcn.evaluation.published import EVALUATORS


@pytest.fixture
def scores(tmp_path):
    """40 images of three classes; one label is unknown, cow has no positive."""
    rng = np.random.default_rng(0)
    targets = (rng.random((40, 3)) < 0.4).astype(np.int8)
    targets[0, 0], targets[:, 2] = -1, 0
    values = (rng.normal(size=targets.shape) + targets).astype(np.float32)
    names, classes = np.array([f'{i}.jpg' for i in range(40)]), np.array(['cat', 'dog', 'cow'])
    ScoresFile(names, classes, values, targets, 'addgcn').save(tmp_path / 's.npz')
    return tmp_path / 's.npz'


def test_every_protocol_has_a_row(mlgcn, scores):
    lines = mlgcn('score', scores).out.splitlines()
    rows = {line.split('│')[1].strip(): line.split('│')[2:] for line in lines if '│' in line}
    assert {'addgcn', 'gkgnet', *EVALUATORS} <= rows.keys()
    assert rows['addgcn'][0].strip() == '2' and rows['gkgnet'][0].strip() == '3'
    assert rows['csra'][1].strip() == 'error' and rows['voc2010'][1].strip() == 'nan'
    assert 'same predictions' in lines[-1]


@pytest.mark.filterwarnings('ignore:.*no positive image')
def test_one_protocol(mlgcn, scores):
    text = mlgcn('score', scores, '--protocol', 'mmpretrain', '--per-class').out
    assert "protocol 'mmpretrain', 40 images, 3 classes" in text
    assert 'cow' in text
    assert 'mmpretain' in mlgcn('score', scores, '--protocol', 'mmpretain').error
