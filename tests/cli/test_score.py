"""mlgcn score as a user meets it."""

import json
from dataclasses import replace

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
@pytest.mark.parametrize('protocol', ['all', 'gkgnet'])
def test_equal_scores_are_said_under_the_table(mlgcn, scores, protocol):
    file = ScoresFile.load(scores)
    replace(file, scores=file.scores * 0).save(scores)
    lines = mlgcn('score', scores, '--protocol', protocol).out.splitlines()
    assert lines[-1].startswith('warning: 2 of 3 classes') and 'cat 100%' in lines[-1]


@pytest.mark.filterwarnings('ignore:.*no positive image')
def test_one_protocol(mlgcn, scores):
    text = mlgcn('score', scores, '--protocol', 'mmpretrain', '--per-class').out
    assert "protocol 'mmpretrain', 40 images, 3 classes" in text
    assert 'cow' in text
    assert 'mmpretain' in mlgcn('score', scores, '--protocol', 'mmpretain').error


def test_by_object_size(mlgcn, scores, tmp_path):
    target = ScoresFile.load(scores).targets
    where = [(int(i), int(k)) for i, k in zip(*np.nonzero(target == 1))]
    coco = {
        'images': [{'id': i, 'file_name': f'{i}.jpg'} for i in range(40)],
        'categories': [{'id': k, 'name': name} for k, name in enumerate(('cat', 'dog', 'cow'))],
        'annotations': [
            {'id': n, 'image_id': i, 'category_id': k, 'bbox': [0, 0, 10 + 40 * k, 10]}
            for n, (i, k) in enumerate(where)
        ],
    }
    (tmp_path / 'boxes.json').write_text(json.dumps(coco))
    lines = mlgcn('score', scores, '--annotations', tmp_path / 'boxes.json').out.splitlines()
    addgcn, gkgnet = lines[-2:]
    number = (target == 1).sum()
    for line, name in ((addgcn, 'addgcn'), (gkgnet, 'gkgnet')):
        assert name in line and f'({number})' in line and 'large' in line
    assert 'large nan (0)' in addgcn and 'large 0.00 (0)' in gkgnet
    wrong = mlgcn('score', scores, '--annotations', tmp_path / 'boxes.json', '--protocol', 'asl')
    assert 'asl' in wrong.error and 'gkgnet' in wrong.error
