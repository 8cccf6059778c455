"""A case done by hand, classes without positives, kinds of input, wrong input."""

import numpy as np
import pytest
import torch
from paths import TESTS

from mlgcn.evaluation import multilabel_scores

pytestmark = pytest.mark.filterwarnings('ignore:.*no positive image')


def arrays(name):
    with np.load(TESTS / f'data/metrics/metric_{name}.npz') as file:
        return file['logits'], file['target']


def test_by_hand():
    logits = np.array([[2.0, -1, 1], [1.0, 3, -2], [-1.0, 2, -3], [-2.0, -3, -4]])
    target = np.array([[1, 0, 0], [0, 1, 0], [1, -1, 0], [0, 1, 1]])
    result = multilabel_scores(logits, target, 'addgcn', ['a', 'b', 'c'])
    # a: ranks 1, 3 -> (1 + 2/3) / 2; b: ranks 1 and, without the difficult one, 3; c: rank 4
    np.testing.assert_allclose(result.ap, [250 / 3, 250 / 3, 25])
    assert result.positives.tolist() == [2, 2, 1]
    assert result['OP'] == pytest.approx(100 * 2 / 5)  # predicted a, a, b, b, c; two are right
    assert result['CP'] == pytest.approx(100 * (1 / 2 + 1 / 2 + 0) / 3)
    assert result['CR'] == pytest.approx(100 * (1 / 2 + 1 / 2 + 0) / 3)
    table = result.table(('mAP', 'CF1_top3'), per_class=True)
    assert "protocol 'addgcn', 4 images, 3 classes" in table
    words = ' '.join(' '.join(table.splitlines()[2:]).split())
    assert words == 'a 2 83.33 b 2 83.33 c 1 25.00 all mAP 63.89 top-3 CF1 33.33'


def test_classes_without_positives():
    logits, target = arrays('empty_class_120x6')
    names = ['bird', 'boat', 'bottle', 'bus', 'car', 'cat']
    with pytest.warns(UserWarning, match="2 of 6 .* left out of mAP and CR: 'bottle', 'cat'"):
        skipped = multilabel_scores(logits, target, 'addgcn', names)
    with pytest.warns(UserWarning, match="counted as 0 in mAP and CR: 'bottle', 'cat'"):
        zero = multilabel_scores(logits, target, 'gkgnet', names)
    assert np.isnan(skipped.ap).tolist() == [False, False, True, False, False, True]
    assert zero.ap[[2, 5]].tolist() == [0, 0]
    assert skipped['mAP'] == pytest.approx(zero['mAP'] * 6 / 4)
    assert skipped['CR'] == pytest.approx(zero['CR'] * 6 / 4)
    with pytest.raises(ValueError, match='nothing to average'):
        multilabel_scores(logits, 0 * target, 'addgcn')
    assert multilabel_scores(logits, 0 * target, 'gkgnet')['mAP'] == 0


@pytest.mark.parametrize('protocol', ['addgcn', 'gkgnet'])
def test_input_types_give_the_same_and_stay_untouched(protocol):
    logits, target = arrays('difficult_120x20')
    expected = multilabel_scores(logits, target, protocol)
    scores, targets = torch.from_numpy(logits).double(), torch.from_numpy(target).long()
    copies = scores.clone(), targets.clone()
    result = multilabel_scores(scores, targets, protocol)
    assert result.values == expected.values
    assert torch.equal(scores, copies[0]) and torch.equal(targets, copies[1])
    strided = multilabel_scores(np.asfortranarray(logits), target, protocol)
    assert strided.values == expected.values
    known = multilabel_scores(logits, target == 1, protocol)
    assert known['CF1'] == expected['CF1']  # difficult is negative outside of AP


@pytest.mark.parametrize('protocol', ['addgcn', 'gkgnet'])
@pytest.mark.parametrize('classes', [1, 2])
def test_fewer_than_three_classes(protocol, classes):
    logits, target = arrays('tiny_9x4')
    result = multilabel_scores(logits[:, :classes], target[:, :classes], protocol)
    assert result['OF1_top3'] == result['OF1'] > 0


@pytest.mark.parametrize(
    'change, message',
    [
        ({'protocol': 'coco'}, "protocol is 'coco'; expected one of .*addgcn"),
        ({'scores': np.zeros((4, 2))}, r'must both be .*\(4, 2\) and \(4, 3\)'),
        ({'scores': np.zeros(3), 'targets': np.zeros(3, int)}, r'got \(3,\)'),
        (dict.fromkeys(('scores', 'targets'), np.zeros((0, 3), int)), r'at least 1; got \(0, 3\)'),
        ({'scores': np.zeros((4, 3), int)}, 'floating point logits; got torch.int64'),
        ({'scores': np.array([[0, 0, 0], [0, np.nan, 0.0]] * 2)}, '2 images hold NaN.* row 1'),
        ({'scores': np.array([[0, 0, 0.0]] * 3 + [[0, -np.inf, 0]])}, '1 images .*inf.* row 3'),
        ({'scores': np.array([[0, 0, 0.0]] * 3 + [[0, 1e300, 0]])}, 'inf.* row 3'),  # of float32
        ({'targets': np.full((4, 3), 0.5)}, 'integers 1, 0 or -1; got torch.float64'),
        ({'targets': np.full((4, 3), 2)}, 'integers 1, 0 or -1; got torch.int64 from 2 to 2'),
        ({'class_names': ['a', 'b']}, '2 class names for scores of 3 classes'),
    ],
)
def test_wrong_input(change, message):
    good = {'scores': np.zeros((4, 3)), 'targets': np.ones((4, 3), int)}
    with pytest.raises(ValueError, match=message):
        multilabel_scores(**{**good, **change})
