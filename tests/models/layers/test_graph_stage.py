"""GraphStage: shapes, whole windows as keys, the table of relative positions."""

import torch
from torch import nn

from mlgcn.models.layers.graph_stage import GraphStage

BLOCK = dict(channels=8, k=2, reduction=2, num_groups=2)


def test_shapes_of_maps_keys_and_tables():
    stage = GraphStage(nn.AvgPool2d(2), [BLOCK, BLOCK], grid=(6, 5), num_nodes=30).eval()
    with torch.no_grad():
        assert stage(torch.randn(1, 8, 14, 10)).shape == (1, 8, 7, 5)
    assert stage.num_keys((7, 5)) == 3 * 2
    assert stage.relative_position(35, 6, torch.device('cpu')).shape == (35, 6)


def test_a_table_is_made_once_for_a_size():
    stage = GraphStage(nn.Identity(), [BLOCK], grid=(6, 4), num_nodes=24)
    cpu = torch.device('cpu')
    first = stage.relative_position(24, 6, cpu)
    assert stage.relative_position(24, 6, cpu) is first
    assert stage.relative_position(35, 6, cpu) is not first
