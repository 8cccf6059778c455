"""Predictions as plain values and tables, and the rule behind them."""

import json
from dataclasses import replace

import numpy as np

from mlgcn.apis import Calibration, Decision, Prediction, Predictions

CLASSES = ('cat', '<b>dog', 'hen')
CALIBRATION = Calibration(2.0, np.float32([0.5, 0.9, 0.1]), 'calibrated')
LOGITS = np.float32([1, 3, -2])  # probabilities 0.62, 0.82, 0.27
BAD = Prediction('<i>.png', error='not an image')


def test_plain_values():
    good = Decision.of(CLASSES, CALIBRATION).prediction('a.png', LOGITS)
    row = json.loads(json.dumps(good.to_dict()))
    assert row['image'] == 'a.png' and np.allclose(row['probabilities'], good.probabilities)
    assert [label['class'] for label in row['labels']] == ['cat', 'hen']
    assert row['labels'][0]['probability'] == row['probabilities'][0]
    assert BAD.to_dict() == {'image': '<i>.png', 'error': 'not an image'}


def test_tables_escape_names():
    good = Decision.of(CLASSES, CALIBRATION, top_k=2).prediction('a.png', LOGITS)
    page = Predictions([good, BAD])._repr_html_()
    assert '&lt;i&gt;.png' in page and 'not an image' in page and page.count('<progress') == 2
    assert '&lt;b&gt;dog' in page and '<b>' not in page
    none = Decision.of(CLASSES, CALIBRATION, threshold=1).prediction('a.png', LOGITS)
    assert 'no label reaches' in none._repr_html_()


def test_decisions_in_words():
    assert str(Decision.of(CLASSES, CALIBRATION)) == 'calibrated, temperature 2'
    words = str(Decision.of(CLASSES, CALIBRATION, 0.3, 2, {0: True, 2: False}, tta=True))
    for word in ('mirror', 'the 2 most', 'threshold 0.3', 'temperature 2', 'known: cat, no hen'):
        assert word in words
    averaged = replace(Decision.of(CLASSES, CALIBRATION, tta=True), first_step=True)
    assert 'mirror image before and after fine-tuning' in str(averaged)
    known = Decision.of(CLASSES, CALIBRATION, known={2: True}).prediction('', LOGITS)
    assert known.labels[0] == ('hen', 1)
