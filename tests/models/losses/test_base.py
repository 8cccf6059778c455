"""Every loss trains a head from a config line, unknown labels reach it; cross entropy by hand."""

import math

import pytest
import torch
from mmpretrain.structures import DataSample
from models.losses.published_losses import set_epoch

from mlgcn.models import losses
from mlgcn.models.heads import LinearHead
from mlgcn.models.losses import BinaryCrossEntropy

LINES = dict(
    DistributionBalancedLoss=dict(class_freq=[5, 9, 2], num_samples=20),
    ExpectedPositivesLoss=dict(expected=1.5),
    ROLELoss=dict(expected=1.5, num_images=4, num_classes=3),
    EntropyMaximizationLoss=dict(beta=0.4, warm_up=1, epochs=3, num_images=4, num_classes=3),
    LargeLoss=dict(scheme='Cp', delta=0.1, num_images=4, num_classes=3),
)
CLASSES = {name: found for name, found in vars(losses).items() if isinstance(found, type)}
NAMES = sorted(
    name for name, found in CLASSES.items()
    if name != 'MultiLabelLoss' and issubclass(found, losses.MultiLabelLoss)
)  # fmt: skip


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('classes', [3, 1])
def test_a_head_trains(name, classes):
    set_epoch(0)
    line = {**LINES.get(name, {}), 'type': f'mlgcn.{name}'}
    if classes == 1:
        line |= {key: 1 for key in ('num_classes',) if key in line}
        line |= {key: [5] for key in ('class_freq',) if key in line}
    torch.manual_seed(0)
    head = LinearHead(classes, in_channels=8, loss=line)
    feats = (torch.randn(4, 8, 3, 3),)
    rows = torch.tensor([[1, 0, -1], [0, 1, -1], [1, -1, 0], [-1, 0, 1]])[:, :classes]
    samples = [
        DataSample(metainfo=dict(sample_idx=i)).set_gt_score(row) for i, row in enumerate(rows)
    ]
    optimizer = torch.optim.SGD(head.parameters(), lr=0.05)
    values = []
    for epoch in range(6):
        set_epoch(epoch // 3)
        loss = head.loss(feats, samples)['loss']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
        assert torch.isfinite(loss) and torch.isfinite(head.fc.weight.grad).all()
    assert values[2] < values[0] or (name, classes) == ('PairwiseRankingLoss', 1)


def test_unknown_labels_reach_the_loss():
    seen = []

    class Spy(losses.MultiLabelLoss):
        def compute(self, logits, target):
            seen.append(target.tolist())
            return logits * target.abs()

    head = LinearHead(2, in_channels=8)
    head.losses['loss'] = Spy()
    sample = DataSample().set_gt_score(torch.tensor([1, -1]))
    head.loss((torch.randn(1, 8, 2, 2),), [sample])
    assert seen == [[[1, -1]]]


def test_smoothed_labels_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0)]], dtype=torch.float64)  # p = 1/2, 3/4
    loss = BinaryCrossEntropy(label_smoothing=0.1, loss_weight=2.0)
    value = loss(logits, torch.tensor([[1, 0]]), reduction_override='none')
    expected = [2 * math.log(2), -2 * (0.1 * math.log(0.75) + 0.9 * math.log(0.25))]
    assert value.tolist() == [pytest.approx(expected)]
    assert loss(logits, torch.tensor([[1, 0]])).item() == pytest.approx(sum(expected) / 2)


@pytest.mark.parametrize('smoothing', [-0.1, 0.5])
def test_a_smoothing_that_would_swap_labels(smoothing):
    with pytest.raises(ValueError, match=str(smoothing)):
        BinaryCrossEntropy(label_smoothing=smoothing)
