"""Parity with the two published evaluators, with plain loops, and with a case done by hand."""

import json
import math

import numpy as np
import pytest
import torch
from paths import TESTS

from mlgcn.evaluation import METRIC_NAMES, multilabel_scores

FIXTURES = json.loads((TESTS / 'data/metrics/metrics.json').read_text())
ORDER = ('OP', 'OR', 'OF1', 'CP', 'CR', 'CF1')
pytestmark = pytest.mark.filterwarnings('ignore:.*no positive image')


def arrays(name):
    with np.load(TESTS / f'data/metrics/metric_{name}.npz') as file:
        return file['logits'], file['target']


def published(name, protocol):
    """(AP per class or None, {metric: figure}) in 0 to 1, without what crashed or was nan."""
    case = FIXTURES[name]
    if protocol == 'gkgnet':
        figures = case['gkgnet_coco_metrics']
        return case['gkgnet_coco_mAP_per_class'], {} if isinstance(figures, str) else figures
    figures = {}
    for key, suffix in (('overall', ''), ('top3', '_top3')):
        numbers = case[f'addgcn_{key}_OP_OR_OF1_CP_CR_CF1']
        figures |= {k + suffix: v for k, v in zip(ORDER, numbers) if v != 'nan'}
    ap = case['addgcn_ap_difficult_True']
    return (None, figures) if isinstance(ap, str) else (ap, figures | {'mAP': np.mean(ap)})


def plain_ap(scores, target, protocol):
    """AP of one class, image by image."""
    if protocol == 'addgcn':
        order = torch.sort(torch.from_numpy(scores), descending=True)[1].tolist()
    else:
        order = np.argsort([1 / (1 + np.float32(math.exp(-s))) for s in scores])[::-1].tolist()
    hits = rank = total = 0
    for i in order:
        if target[i] == -1 and protocol == 'addgcn':
            continue
        rank += 1
        if target[i] == 1:
            hits += 1
            total += hits / rank
    return total / (hits if protocol == 'addgcn' else hits + 1e-8) if hits else 0.0


@pytest.mark.parametrize('protocol', ['addgcn', 'gkgnet'])
@pytest.mark.parametrize('name', FIXTURES)
def test_equals_the_published_evaluators(name, protocol):
    logits, target = arrays(name)
    ap, figures = published(name, protocol)
    result = multilabel_scores(logits, target, protocol)
    if ap is not None:
        plain = [plain_ap(s, t, protocol) for s, t in zip(logits.T, target.T)]
        np.testing.assert_allclose(result.ap / 100, plain, rtol=0, atol=1e-12)
        if np.abs(np.subtract(plain, ap)).max() > 1e-6:
            assert 'ties' in name or 'edge' in name  # this machine sorts equal scores otherwise
            worst, best = FIXTURES[name]['ap_envelope_sigmoid_worst_best']
            assert (result.ap / 100 >= np.array(worst) - 1e-6).all()
            assert (result.ap / 100 <= np.array(best) + 1e-6).all()
            figures = {k: v for k, v in figures.items() if k != 'mAP'}
        else:
            np.testing.assert_allclose(result.ap / 100, ap, rtol=0, atol=1e-6)
    assert figures or isinstance(FIXTURES[name]['gkgnet_coco_metrics'], str)
    for key, value in figures.items():
        assert result[key] / 100 == pytest.approx(value, abs=1e-6), key
    assert tuple(result.values) == METRIC_NAMES
    assert np.isfinite(list(result.values.values())).all()


@pytest.mark.parametrize('protocol', ['addgcn', 'gkgnet'])
@pytest.mark.parametrize('grid', [0, 0.25])
def test_equals_plain_loops(protocol, grid):
    rng = np.random.RandomState(3)
    logits = rng.randn(3000, 6).astype(np.float32)
    logits = np.round(logits / grid).astype(np.float32) * grid if grid else logits
    target = rng.choice([-1, 0, 1], p=[0.1, 0.6, 0.3], size=logits.shape)
    result = multilabel_scores(logits, target, protocol)
    plain = [plain_ap(s, t, protocol) for s, t in zip(logits.T, target.T)]
    np.testing.assert_allclose(result.ap / 100, plain, rtol=0, atol=1e-12)
    hits = predicted = 0
    for s, t in zip(logits, target):  # top-3, image by image
        third = sorted(s)[-3]
        chosen = [i for i in range(6) if s[i] >= 0 and s[i] >= third]
        if protocol == 'addgcn' and len(chosen) > 3:
            best = set(torch.from_numpy(s).topk(3)[1].tolist())
            chosen = [i for i in chosen if i in best]
        hits += sum(t[i] == 1 for i in chosen)
        predicted += len(chosen)
    assert result['OP_top3'] == pytest.approx(100 * hits / predicted, abs=1e-9)
    assert result['OR_top3'] == pytest.approx(100 * hits / (target == 1).sum(), abs=1e-9)


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
    assert [line.split() for line in table.splitlines()[2:]] == [
        ['a', '2', '83.33'],
        ['b', '2', '83.33'],
        ['c', '1', '25.00'],
        ['all', 'mAP'],
        ['63.89'],
        ['top-3', 'CF1'],
        ['33.33'],
    ]


def test_classes_without_positives():
    logits, target = arrays('empty_class_120x6')
    names = ['bird', 'boat', 'bottle', 'bus', 'car', 'cat']
    with pytest.warns(UserWarning, match="2 of 6 .* left out of mAP and CR: 'bottle', 'cat'"):
        skipped = multilabel_scores(logits, target, 'addgcn', names)
    with pytest.warns(UserWarning, match="counted as 0 in mAP and CR: 'bottle', 'cat'"):
        zero = multilabel_scores(logits, target, 'addgcn', names, empty_classes='zero')
    assert np.isnan(skipped.ap).tolist() == [False, False, True, False, False, True]
    assert zero.ap[[2, 5]].tolist() == [0, 0]
    assert skipped['mAP'] == pytest.approx(zero['mAP'] * 6 / 4)
    assert skipped['CR'] == pytest.approx(zero['CR'] * 6 / 4)
    gkgnet = multilabel_scores(logits, target, 'gkgnet', names)
    assert (gkgnet['CR'], gkgnet['CF1']) == pytest.approx((zero['CR'], zero['CF1']))
    assert zero['mAP'] == pytest.approx(gkgnet['mAP'], abs=1e-6)
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
        ({'empty_classes': 'nan'}, "empty_classes is 'nan'"),
        ({'scores': np.zeros((4, 2))}, r'must both be .*\(4, 2\) and \(4, 3\)'),
        ({'scores': np.zeros(3), 'targets': np.zeros(3, int)}, r'got \(3,\)'),
        (
            {'scores': np.zeros((0, 3)), 'targets': np.zeros((0, 3), int)},
            r'at least 1; got \(0, 3\)',
        ),
        ({'scores': np.zeros((4, 3), int)}, 'floating point logits; got torch.int64'),
        ({'scores': np.array([[0, 0, 0], [0, np.nan, 0.0]] * 2)}, '2 images hold NaN, .* row 1'),
        ({'targets': np.full((4, 3), 0.5)}, 'integers 1, 0 or -1; got torch.float64'),
        ({'targets': np.full((4, 3), 2)}, r'integers 1, 0 or -1; got torch.int64 \{2\}'),
        ({'class_names': ['a', 'b']}, '2 class names for scores of 3 classes'),
    ],
)
def test_wrong_input(change, message):
    good = {'scores': np.zeros((4, 3)), 'targets': np.ones((4, 3), int)}
    with pytest.raises(ValueError, match=message):
        multilabel_scores(**{**good, **change})
