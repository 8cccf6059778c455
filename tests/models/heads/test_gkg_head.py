"""GKGHead: logits by hand, the published losses, difficult labels, one class."""

import json

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample
from paths import DATA

from mlgcn.models.heads import GKGHead

PUBLISHED = json.loads((DATA / 'losses.json').read_text())
LOSS = dict(
    bce_loss=dict(type='mlgcn.BinaryCrossEntropy', label_smoothing=0.1),
    asy_loss=dict(type='AsymmetricLoss', gamma_pos=0.0, gamma_neg=2.0, clip=0.05, loss_weight=10.0),
)


def samples(rows):
    return [DataSample().set_gt_score(torch.as_tensor(row, dtype=torch.float64)) for row in rows]


def feats(batch, num_classes, channels):
    generator = torch.Generator().manual_seed(0)
    labels = torch.randn(batch, num_classes, channels, generator=generator)
    return labels, torch.randn(batch, channels, generator=generator)


def test_logits_by_hand():
    head = GKGHead(2, in_channels=2)
    with torch.no_grad():
        head.fc1.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        head.fc1.bias.copy_(torch.tensor([0.5, 0.0]))
        head.fc2.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        head.fc2.bias.copy_(torch.tensor([0.0, 0.25]))
    labels = torch.tensor([[[1.0, 1.0], [0.0, 2.0]]])  # one image, two labels
    pooled = torch.tensor([[10.0, 20.0]])
    assert head((labels, pooled)).tolist() == [[3.0 + 0.5 + 10.0, 8.0 + 20.0 + 0.25]]


def test_logits_are_the_diagonal_of_all_pairs():
    head, (labels, pooled) = GKGHead(7, in_channels=5), feats(3, 7, 5)
    every_pair = head.fc1(labels)  # (B, K, K)
    expected = every_pair.diagonal(dim1=1, dim2=2) + head.fc2(pooled)
    torch.testing.assert_close(head((labels, pooled)), expected)


def test_initialisation_is_the_published_one():
    head = GKGHead(500, in_channels=64)
    head.init_weights()
    for linear in (head.fc1, head.fc2):
        assert linear.weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert not linear.bias.any()


def loss_cases():
    for case in PUBLISHED['cases']:
        if case['kind'] == 'asl':
            keys = ('gamma_pos', 'gamma_neg', 'clip')
            yield dict(type='AsymmetricLoss', **{k: case[k] for k in keys}), case
        elif case['kind'] == 'label_smooth_bce':
            smoothing = case['label_smooth_val']
            yield dict(type='mlgcn.BinaryCrossEntropy', label_smoothing=smoothing), case


@pytest.mark.parametrize('loss, case', loss_cases())
def test_losses_equal_the_published_ones(loss, case):
    logits = torch.tensor(PUBLISHED['logits'], dtype=torch.float64, requires_grad=True)
    head = GKGHead(logits.shape[1], in_channels=2, loss=loss)
    value = head._get_loss(logits, samples(PUBLISHED['target']))['loss']
    value.backward()
    assert value.item() == pytest.approx(case['loss'], rel=1e-6)  # labels smoothed in float32
    np.testing.assert_allclose(logits.grad, case['grad'], rtol=1e-6, atol=1e-7)


def test_difficult_labels_count_as_present():
    head, inputs = GKGHead(3, in_channels=4, loss=LOSS), feats(2, 3, 4)
    difficult = head.loss(inputs, samples([[1, -1, 0], [0, 0, -1]]))
    present = head.loss(inputs, samples([[1, 1, 0], [0, 0, 1]]))
    assert difficult == present


def test_one_class_is_a_label_and_not_a_class_index():
    """Upstream takes (B, 1) targets for indices: with one class every image would be positive."""
    logits = torch.tensor([[2.0], [-1.0]], dtype=torch.float64)
    head = GKGHead(1, in_channels=4, loss=LOSS)
    one = head._get_loss(logits, samples([[1], [0]]))
    wide = GKGHead(2, in_channels=4, loss=LOSS)
    two = wide._get_loss(logits.expand(-1, 2), samples([[1, 1], [0, 0]]))
    for name in LOSS:
        assert two[name].item() == pytest.approx(2 * one[name].item())
