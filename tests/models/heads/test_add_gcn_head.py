"""ADDGCNHead: any number of classes, the diagonal, one image."""

import pytest
import torch

from mlgcn.models.heads import ADDGCNHead


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
