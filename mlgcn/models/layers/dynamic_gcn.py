"""The dynamic graph convolution of ADD-GCN."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DynamicGCN(nn.Module):
    """Static, then dynamic graph convolution over label nodes (Ye et al., ECCV 2020: "D-GCN").

    The static graph is a learned K x K matrix, the same for every image. The dynamic graph is
    predicted from the nodes themselves: entry (i, j) weighs what label j receives from label i.

    Args:
        num_nodes: K, one node per class.
        channels: C of a node.
    """

    def __init__(self, num_nodes: int, channels: int):
        super().__init__()
        self.static_adj = nn.Conv1d(num_nodes, num_nodes, 1, bias=False)
        self.static_weight = nn.Conv1d(channels, channels, 1)
        self.conv_global = nn.Conv1d(channels, channels, 1)
        self.bn_global = nn.BatchNorm1d(channels)
        self.conv_create_co_mat = nn.Conv1d(2 * channels, num_nodes, 1)
        self.dynamic_weight = nn.Conv1d(channels, channels, 1)

    def forward(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """From nodes (B, C, K) to updated nodes (B, C, K) and the adjacency (B, K, K)."""
        nodes = nodes + self.static(nodes)
        adjacency = self.adjacency(nodes)
        received = _leaky_relu(nodes @ adjacency)  # (B, C, K): column j = sum_i nodes_i A[i, j]
        return _leaky_relu(self.dynamic_weight(received)), adjacency

    def static(self, nodes: Tensor) -> Tensor:
        """The same graph for every image: mixes nodes, then channels; (B, C, K) -> (B, C, K)."""
        mixed = _leaky_relu(self.static_adj(nodes.transpose(1, 2)).transpose(1, 2))
        return _leaky_relu(self.static_weight(mixed))

    def adjacency(self, nodes: Tensor) -> Tensor:
        """The graph of each image, (B, K, K) in (0, 1), from its nodes (B, C, K)."""
        if self.training and len(nodes) < 2 and type(self.bn_global) is nn.BatchNorm1d:
            told = 'ADD-GCN trains on at least 2 images per process, got 1 (global BatchNorm)'
            raise ValueError(f'{told}; set batch_size and drop_last=True of train_dataloader')
        pooled = self.conv_global(nodes.mean(dim=2, keepdim=True))
        pooled = _leaky_relu(self.bn_global(pooled)).expand_as(nodes)
        return torch.sigmoid(self.conv_create_co_mat(torch.cat([pooled, nodes], dim=1)))


def _leaky_relu(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)
