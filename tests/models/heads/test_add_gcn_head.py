"""ADDGCNHead: any number of classes, the diagonal, one image."""

import pytest
import torch
from mmpretrain.structures import DataSample

from mlgcn.models.heads import ADDGCNHead


@pytest.mark.parametrize('num_classes', [1, 2000])
def test_any_number_of_classes(num_classes):
    head = ADDGCNHead(num_classes, in_channels=8, node_channels=4)
    feats = (torch.randn(2, 8, 3, 5),)
    samples = [DataSample().set_gt_score(torch.zeros(num_classes)) for _ in range(2)]
    head.loss(feats, samples)['loss'].backward()
    assert head(feats).shape == (2, num_classes)
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_node_score_is_the_diagonal_of_all_pairs():
    head = ADDGCNHead(5, in_channels=8, node_channels=4)
    nodes = torch.randn(3, 4, 5)
    pairs = head.last_linear(nodes)  # (B, K classifiers, K nodes)
    assert torch.allclose(head.node_score(nodes), pairs.diagonal(dim1=1, dim2=2), atol=1e-6)


def test_one_training_image_is_refused_in_words():
    head = ADDGCNHead(3, in_channels=8, node_channels=4)
    with pytest.raises(ValueError, match='at least 2 images per process, got 1'):
        head((torch.randn(1, 8, 2, 2),))
    assert head.eval()((torch.randn(1, 8, 2, 2),)).shape == (1, 3)
