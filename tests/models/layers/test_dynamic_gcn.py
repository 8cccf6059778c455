"""ADD-GCN's graph convolution by hand."""

import torch

from mlgcn.models.layers.dynamic_gcn import DynamicGCN


def test_dynamic_gcn_by_hand():
    """Two nodes, one channel, all weights set by hand."""
    gcn = DynamicGCN(num_nodes=2, channels=1).eval()
    with torch.no_grad():
        for parameter in gcn.parameters():
            parameter.zero_()
        gcn.static_adj.weight.copy_(torch.tensor([[0.0, 1.0], [1.0, 0.0]])[..., None])  # swap
        gcn.static_weight.weight.fill_(1.0)
        gcn.dynamic_weight.weight.fill_(1.0)
        updated, adjacency = gcn(torch.tensor([[[1.0, 3.0]]]))
    # static: [1, 3] + [3, 1] = [4, 4]; adjacency: sigmoid(0) = 0.5 everywhere; 4 * .5 + 4 * .5
    assert torch.equal(adjacency, torch.full((1, 2, 2), 0.5))
    assert torch.equal(updated, torch.full((1, 1, 2), 4.0))
