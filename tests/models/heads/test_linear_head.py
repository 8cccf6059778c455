"""LinearHead: pooling and scores by hand, other pools."""

import pytest
import torch

from mlgcn.models.heads import LinearHead


@pytest.mark.parametrize(('pool', 'expected'), [('max', [4.0, 8.0]), ('avg', [2.5, 5.0])])
def test_scores_by_hand(pool, expected):
    head = LinearHead(2, in_channels=1, pool=pool)
    with torch.no_grad():
        head.fc.weight.copy_(torch.tensor([[1.0], [2.0]]))
        head.fc.bias.zero_()
        last = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, None]
        assert head((torch.zeros(1, 1, 4, 4), last)).tolist() == [expected]


def test_unknown_pooling_is_named():
    with pytest.raises(ValueError, match="one of .'avg', 'max'., got 'median'"):
        LinearHead(3, in_channels=8, pool='median')
