"""The published random splits, bit for bit, and what each rule leaves."""

import json

import numpy as np
import pytest
from paths import TESTS

from mlgcn.datasets.hidden_labels import RULES, hide_labels, published_order, split_rows

FIXTURE = json.loads((TESTS / 'data/partial_splits.json').read_text())
NAMES = dict(hcp_proportion='partial', spml_observe='single', csl_rps='rps', csl_fpc='fpc')
MANY = (np.random.RandomState(3).random_sample((300, 19)) < 0.3).astype(np.int8)


@pytest.mark.parametrize('case', FIXTURE['cases'], ids=lambda case: case['rule'])
def test_equals_the_published_code(case):
    amounts = [value for name, value in case['options'].items() if name != 'seed']
    seed = 7 if 'csl' in case['rule'] else None  # the others are seeded as published
    result = hide_labels(FIXTURE['labels'], NAMES[case['rule']], amounts, seed)
    expected = np.array(case['result'])
    if '0 unknown' in case['coding']:
        expected = np.select([expected == 1, expected == -1], [1, 0], -1)
    np.testing.assert_array_equal(result, expected)


def test_the_published_validation_split():
    case = FIXTURE['spml_split']
    assert split_rows(case['n']) == (case['first'], case['second'])
    coco = FIXTURE['coco2014_single_positive']
    train, val = split_rows(coco['rows'])
    assert (len(train), len(val)) == (coco['train_rows'], coco['val_rows'])
    assert val[:8] == coco['first_val_rows']


def test_order_of_images():
    ids = FIXTURE['coco2014_single_positive']['first_image_ids']
    names = [f'train2014/COCO_train2014_{number:012}.jpg' for number in sorted(ids)]
    assert [int(names[i][-10:-4]) for i in published_order(names)] == ids
    names = ['2008_000010.jpg', '2007_000033.jpg', '2008_000002.jpg']
    assert published_order(names) == [1, 2, 0]
    assert published_order(['b/000012.jpg', 'a/000100.jpg', 'a/000002.jpg']) == [1, 0, 2]


@pytest.mark.parametrize(('rule', 'divisor'), [('hill75', 2), ('hill40', 5), ('hill1', 99)])
def test_positives_of_hill(rule, divisor):
    result, before = hide_labels(MANY, rule), MANY.sum(axis=1)
    assert set(np.unique(result)) == {0, 1}  # this protocol has no unknown labels
    kept = np.where(before, before // divisor + 1, 0)
    np.testing.assert_array_equal(result.sum(axis=1), np.minimum(kept, before))
    assert (MANY[result == 1] == 1).all()


def test_masks_of_partial_labels_are_nested():
    masks = [hide_labels(MANY, 'partial', [share]) >= 0 for share in (0.1, 0.5, 0.9)]
    assert (masks[0] <= masks[1]).all() and (masks[1] <= masks[2]).all()
    assert masks[1].mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize('rule', RULES)
def test_unknown_labels_stay_unknown(rule):
    labels = np.where(np.arange(19) % 5, MANY, -1)
    result = hide_labels(labels, rule)
    assert (result[labels == -1] == -1).all() and result.dtype == np.int8
    assert hide_labels(np.zeros((2, 3), np.int8), rule).max() <= 0  # nothing to keep


@pytest.mark.parametrize(
    ('labels', 'rule', 'amounts', 'words'),
    [
        ([[1, 2]], 'partial', [], ['1, 0 and -1', '2']),
        ([1, 0], 'partial', [], ['(N, K)', '(2,)']),
        (MANY, 'partial', [1.5], ['partial', 'share', '1.5']),
        (MANY, 'single', [1], ['positives, negatives', '[1]']),
        (MANY, 'hill40', [0.4], ['no amount']),
        (MANY, 'rps', [float('nan')], ['nan']),
    ],
)
def test_wrong_input(labels, rule, amounts, words):
    with pytest.raises(ValueError) as caught:
        hide_labels(np.array(labels), rule, amounts)
    assert all(word in str(caught.value) for word in words)
