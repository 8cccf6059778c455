"""What every head promises: any number of classes, one image, attention, constants that follow."""

import pytest
import torch
from mmpretrain.structures import DataSample

from mlgcn.models.heads import (
    ADDGCNHead,
    CSRAHead,
    CTranHead,
    MLDecoderHead,
    MLGCNHead,
    Query2LabelHead,
)

HEADS = {
    'add_gcn': lambda k: ADDGCNHead(k, in_channels=8, node_channels=4),
    'csra': lambda k: CSRAHead(k, in_channels=8, num_heads=4),
    'csra with 1 branch': lambda k: CSRAHead(k, in_channels=8, num_heads=1),
    'csra with 6 branches': lambda k: CSRAHead(k, in_channels=8, num_heads=6),
    'ml_gcn': lambda k: MLGCNHead(k, in_channels=8, hidden=6, embed_channels=5),
    'ml_decoder': lambda k: MLDecoderHead(k, in_channels=8, embed_dim=8, num_heads=2),
    'query2label': lambda k: Query2LabelHead(k, in_channels=8, hidden=16, num_heads=2),
    'ctran': lambda k: CTranHead(k, in_channels=8, num_heads=2),
}
SIZES = {
    'add_gcn': (1, 2000),
    'csra': (1, 10_000),
    'ml_gcn': (1, 2000),
    'ml_decoder': (1, 101, 1002, 10_000),
    'query2label': (1, 10_000),
    'ctran': (1, 2000),
}


@pytest.mark.parametrize(('name', 'k'), [(name, k) for name in SIZES for k in SIZES[name]])
def test_any_number_of_classes_and_one_image(name, k):
    head, images = HEADS[name](k), 2 if name == 'add_gcn' else 1
    feats = (torch.randn(images, 8, 2, 3),)
    samples = [DataSample().set_gt_score(torch.zeros(k)) for _ in range(images)]
    head.loss(feats, samples)['loss'].backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
    assert head.eval()((feats[0][:1],)).shape == (1, k)


@pytest.mark.parametrize('name', sorted(HEADS))
def test_edges(name):
    """A map of one row, labels that are all unknown, no image, mixed precision."""
    head, feats = HEADS[name](7), (torch.randn(2, 8, 1, 5),)
    unknown = [DataSample().set_gt_score(torch.full((7,), -1.0)) for _ in range(2)]
    loss = head.loss(feats, unknown)['loss']
    loss.backward()
    assert loss == 0 and all(p.grad is None or not p.grad.any() for p in head.parameters())
    head.eval()
    with torch.no_grad():
        logits = head(feats)
        assert head((feats[0][:0],)).shape == (0, 7)
        head.eval()  # no constants from before
        with torch.autocast('cpu', torch.bfloat16):
            torch.testing.assert_close(head(feats).float(), logits, rtol=0.1, atol=0.1)
        assert torch.equal(head(feats), logits), 'constants of another precision were kept'


@pytest.mark.parametrize('name', sorted(HEADS.keys() - {'add_gcn', 'ml_gcn'}))
def test_attention_sums_to_one(name):
    found = HEADS[name](7).eval().explain((torch.randn(2, 8, 2, 5),))
    assert found['attention'].shape == (2, 7, 2, 5)
    total = found['attention'].sum(dim=(2, 3))
    if 'adjacency' in found:  # C-Tran's labels attend to labels, too
        total = total + found['adjacency'].sum(dim=1)
    torch.testing.assert_close(total, torch.ones(2, 7))


@pytest.mark.parametrize('name', ['ml_gcn', 'ml_decoder', 'query2label'])
def test_constants_follow_the_weights(name):
    head, feats = HEADS[name](7).eval(), (torch.randn(2, 8, 2, 3),)
    keys = set(head.state_dict())
    with torch.no_grad():
        before = head(feats)
        for parameter in head.parameters():
            parameter.mul_(1.5)
        trained = head(feats)
        torch.testing.assert_close(trained, unfolded(head, feats))
        for parameter in head.parameters():  # as EMAHook writes: no version counter moves
            parameter.data.mul_(-3)
        swapped = head.eval()(feats)
        torch.testing.assert_close(swapped, unfolded(head, feats))
    assert not torch.allclose(before, trained) and not torch.allclose(trained, swapped)
    assert set(head.state_dict()) == keys


def unfolded(head, feats):
    with torch.enable_grad():
        return head(feats).detach()
