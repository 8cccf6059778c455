"""`load_from`: weights by name, rows of classes by the names of the classes."""

import logging
import sys

import pytest
import torch
from mmpretrain.models import MultiLabelLinearClsHead
from torch import nn

from mlgcn.checkpoints import Checkpoint, CheckpointError
from mlgcn.checkpoints.transfer import class_tensors, transfer
from mlgcn.models.heads import (
    ADDGCNHead,
    CSRAHead,
    CTranHead,
    GKGHead,
    LinearHead,
    MLDecoderHead,
    MLGCNHead,
    Query2LabelHead,
)
from mlgcn.models.necks import LabelGraphNeck

OLD, NEW = ('cat', 'dog', 'bird', 'cow'), ('bird', 'fox', 'cat', 'ant', 'dog')


def model(kind, num_classes):
    parts = {
        'addgcn': lambda k: dict(head=ADDGCNHead(k, 8, node_channels=6)),
        'gkgnet': lambda k: dict(neck=LabelGraphNeck((4, 8), k, num_groups=1), head=GKGHead(k, 8)),
        'linear': lambda k: dict(head=LinearHead(k, 8)),
        'upstream': lambda k: dict(head=MultiLabelLinearClsHead(k, 8)),
        'csra': lambda k: dict(head=CSRAHead(k, 8, num_heads=2)),
        'ml_gcn': lambda k: dict(head=MLGCNHead(k, 8, hidden=4, embed_channels=6)),
        'ml_decoder': lambda k: dict(head=MLDecoderHead(k, 8, embed_dim=8)),
        'query2label': lambda k: dict(head=Query2LabelHead(k, 8, hidden=8)),
        'ctran': lambda k: dict(head=CTranHead(k, 8, num_layers=1)),
    }[kind](num_classes)
    built = nn.ModuleDict(dict(backbone=nn.Conv2d(3, 8, 1), **parts))
    for value in built.state_dict().values():
        value.copy_(torch.randn(value.shape) if value.is_floating_point() else value)
    return built


KINDS = ['addgcn', 'gkgnet', 'linear', 'upstream', 'csra', 'ml_gcn', 'ml_decoder']
KINDS += ['query2label', 'ctran']


def checkpoint(source, classes=OLD):
    weights = source.state_dict()
    metadata = dict(classes=classes) if classes else {}
    return Checkpoint('old.pth', 'mlgcn', weights, metadata, dict(state_dict=weights))


@pytest.fixture
def lines(monkeypatch):
    """What is logged: (level, line)."""
    seen = []
    monkeypatch.setattr(
        sys.modules['mlgcn.checkpoints.transfer'],
        'print_log',
        lambda text, _, level: seen.append((level, text)),
    )
    return seen


@pytest.mark.parametrize('kind', KINDS)
def test_every_entry_with_classes_is_declared(kind):
    """Those whose shapes change with the number of classes, along the axes that do."""
    one, other = (model(kind, k).state_dict() for k in (5, 9))
    changed = {
        key: tuple(i for i, (a, b) in enumerate(zip(value.shape, other[key].shape)) if a != b)
        for key, value in one.items()
        if value.shape != other[key].shape
    }
    assert class_tensors(model(kind, 5)) == changed


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('classes', [NEW, tuple(reversed(OLD))])
def test_rows_are_moved_by_name(kind, classes, lines):
    old, new = model(kind, len(OLD)), model(kind, len(classes))
    before, result = new.state_dict(), transfer(checkpoint(old), new, classes)
    weights = old.state_dict()
    for key, axes in class_tensors(new).items():
        for place in torch.cartesian_prod(*[torch.arange(len(classes))] * len(axes)).view(
            -1, len(axes)
        ):
            names = [classes[i] for i in place]
            at = [slice(None)] * before[key].ndim
            came = list(at)
            for axis, i, name in zip(axes, place, names):
                at[axis] = i
                came[axis] = OLD.index(name) if name in OLD else None
            known = all(name in OLD for name in names)
            expected = weights[key][tuple(came)] if known else before[key][tuple(at)]
            assert torch.equal(result[key][tuple(at)], expected), (key, names)
    assert torch.equal(result['backbone.weight'], weights['backbone.weight'])
    ((level, text),) = lines
    if classes == NEW:
        assert level == logging.WARNING
        assert 'rows of 3 of 5 classes moved' in text and 'start new: fox, ant' in text
    else:
        assert level == logging.INFO and 'rows of 4 of 4 classes moved' in text


def test_groups_of_classes_are_kept_for_the_same_classes_alone(lines):
    """ML-Decoder with fewer queries than classes: its shapes hide that a group is of others."""
    old, new = (nn.ModuleDict(dict(head=MLDecoderHead(4, 8, 8, num_groups=2))) for _ in range(2))
    for classes, kept in ((OLD, True), (OLD[::-1], False), (None, False)):
        result, fresh = transfer(checkpoint(old), new, classes), new.state_dict()
        for key in ('head.group_fc', 'head.queries'):
            expected = old.state_dict() if kept else fresh
            assert torch.equal(result[key], expected[key]), (key, classes)
    assert 'other shapes or classes: head.' in lines[1][1]


def test_what_losses_remember_of_images_starts_new():
    """A table of the same shape may be of other images, in another order."""
    loss = dict(type='mlgcn.ROLELoss', expected=1.5, num_images=6, num_classes=4)
    old, new = (nn.ModuleDict(dict(head=LinearHead(4, 8, loss=loss))) for _ in range(2))
    result = transfer(checkpoint(old), new, OLD)
    key = 'head.losses.loss.estimate'
    assert torch.equal(result[key], new.state_dict()[key])
    assert torch.equal(result['head.fc.weight'], old.state_dict()['head.fc.weight'])


def test_unknown_names_start_new(lines):
    old, new = model('linear', 4), model('linear', 4)
    result = transfer(checkpoint(old, None), new, OLD)
    assert torch.equal(result['head.fc.weight'], new.state_dict()['head.fc.weight'])
    assert torch.equal(result['backbone.bias'], old.state_dict()['backbone.bias'])
    assert 'rows of 0 of 4 classes' in lines[0][1] and 'names no classes' in lines[0][1]


def test_counts_of_what_does_not_fit(lines):
    old, new = model('linear', 4), model('linear', 4)
    del old.backbone.bias
    old.more = nn.Linear(2, 2)
    transfer(checkpoint(old), new, OLD)
    assert lines[0][0] == logging.WARNING
    assert '3 of 4 entries loaded' in lines[0][1] and 'backbone.bias' in lines[0][1]
    assert '2 of its 5 are not used' in lines[0][1]


def test_nothing_fits():
    with pytest.raises(CheckpointError, match='old.pth: none of its 2 entries .*other'):
        transfer(checkpoint(nn.ModuleDict(dict(other=nn.Linear(2, 2)))), model('linear', 4), OLD)


def test_a_frozen_part_must_be_whole():
    old, new, whole = (model('linear', 4) for _ in range(3))
    for frozen in (new, whole):
        frozen.backbone.requires_grad_(False)
    transfer(checkpoint(old), whole, OLD)
    del old.backbone.bias
    with pytest.raises(CheckpointError, match='1 of the 2 frozen parameters .*backbone.bias'):
        transfer(checkpoint(old), new, OLD)
    transfer(checkpoint(old), whole, OLD)  # where the first file had it
