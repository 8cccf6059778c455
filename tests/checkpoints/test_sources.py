"""Whose files they are, and the class names that these stand for."""

import json

import pytest
import torch
from paths import DATA

from mlgcn.checkpoints import Checkpoint, CheckpointError, implied_classes
from mlgcn.checkpoints.sources import SOURCES, source_of


def test_a_source_is_known_by_its_mark():
    marks = {name: known.mark.replace('\\', '') for name, known in SOURCES.items() if known.mark}
    marks['ml_decoder'] = 'fc.decoder.duplicate_pooling'
    assert [source_of([mark, 'more']) for mark in marks.values()] == list(marks)
    assert source_of([marks['asl'], marks['ml_decoder']]) == 'ml_decoder'
    assert source_of(['backbone.a', 'neck.b', 'head.c']) == 'mlgcn'
    assert source_of(['backbone.a', 'head.c', 'other.d']) == 'unknown'


def test_implied_class_order():
    data = json.loads((DATA / 'data.json').read_text())
    assert list(implied_classes('addgcn', 80)) == data['classes_addgcn_sorted']
    assert list(implied_classes('gkgnet', 80)) == data['classes_gkgnet']
    assert list(implied_classes('addgcn', 20)) == data['voc_classes_addgcn']
    assert implied_classes('gkgnet', 7) is implied_classes('torchvision', 80) is None


@pytest.mark.parametrize(
    ('source', 'key', 'order'),
    [
        ('addgcn', 'head.fc.weight', 'name'),
        ('gkgnet', 'neck.labels.weight', 'id'),
        ('ml_gcn', 'head.graph', 'name'),
        ('query2label', 'head.queries', 'id'),
    ],
)
def test_the_order_of_cocos_classes_is_checked(source, key, order):
    weights = {key: torch.zeros(80, 4)}
    checkpoint = Checkpoint('w.pth', source, weights, {}, dict(state_dict=weights))
    right, wrong = (implied_classes(name, 80) for name in ('addgcn', 'gkgnet'))
    if order == 'id':
        right, wrong = wrong, right
    checkpoint.check_classes(right)
    with pytest.raises(CheckpointError, match=f"w.pth is for .*class 0 is .*class_order='{order}'"):
        checkpoint.check_classes(wrong)
    with pytest.raises(CheckpointError, match="for 80 classes, the data's are 3"):
        checkpoint.check_classes(['a', 'b', 'c'])
