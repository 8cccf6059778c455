"""What mlgcn's heads share: losses, ignored labels, predictions."""

import pytest
import torch
from mmpretrain.structures import DataSample
from torch.nn.functional import multilabel_soft_margin_loss

from mlgcn.models.heads import ADDGCNHead, LinearHead

FEATS = (torch.randn(4, 8, 3, 3, generator=torch.Generator().manual_seed(0)),)


def samples(rows):
    return [DataSample().set_gt_score(torch.tensor(row, dtype=torch.int8)) for row in rows]


ROWS = [[1, 0, 0], [0, 1, 1], [0, 0, 0], [1, 1, 1]]


def test_mean_over_classes_is_torchs_soft_margin_loss():
    head = ADDGCNHead(3, in_channels=8, node_channels=4).eval()
    expected = multilabel_soft_margin_loss(head(FEATS), torch.tensor(ROWS).float())
    assert head.loss(FEATS, samples(ROWS))['loss'].item() == pytest.approx(expected.item())


def test_ignored_labels_take_no_part_in_the_loss():
    head = LinearHead(3, in_channels=8)
    loss = head.loss(FEATS, samples([[1, 0, -1]] * 4))['loss']
    loss.backward()
    assert head.fc.bias.grad[2] == 0
    assert (head.fc.bias.grad[:2] != 0).all()


def test_named_losses_are_logged_apart():
    named = dict(
        bce_loss=dict(type='mlgcn.BinaryCrossEntropy', label_smoothing=0.1),
        asy_loss=dict(type='AsymmetricLoss', gamma_pos=0.0, gamma_neg=2.0, loss_weight=10.0),
    )
    losses = LinearHead(3, in_channels=8, loss=named).loss(FEATS, samples(ROWS))
    assert set(losses) == {'bce_loss', 'asy_loss'}


def test_predictions_keep_raw_logits():
    head = LinearHead(3, in_channels=8, pool='avg').eval()
    predictions = head.predict(FEATS)
    logits = torch.stack([sample.pred_logits for sample in predictions])
    assert torch.equal(logits, head(FEATS))
    assert torch.equal(predictions[0].pred_score, logits[0].sigmoid())


def test_half_precision_logits_reach_the_loss_in_float32():
    head = LinearHead(3, in_channels=8)
    loss = head._get_loss(torch.full((4, 3), 40.0, dtype=torch.float16), samples(ROWS))['loss']
    assert loss.dtype == torch.float32 and torch.isfinite(loss)


@pytest.mark.parametrize('num_classes', [None, 0, '80'])
def test_wrong_num_classes_is_named(num_classes):
    with pytest.raises(ValueError, match='num_classes must be a positive integer'):
        LinearHead(num_classes, in_channels=8)


def test_labels_of_another_size_are_named():
    with pytest.raises(ValueError, match='built for 3 classes, but the labels have 2'):
        LinearHead(3, in_channels=8).loss(FEATS, samples([[1, 0]] * 4))
