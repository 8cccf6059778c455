"""Mixed pictures and their labels, unknown ones among them."""

import numpy as np
import pytest
import torch
from mmpretrain.registry import BATCH_AUGMENTS

import mlgcn  # noqa: F401 (registers)

IMAGES = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 1, 8, 8)
LABELS = torch.tensor([[1, 0, -1], [0, 0, 1], [1, -1, 0], [-1, 1, 1]], dtype=torch.int8)


@pytest.mark.parametrize('name', ['Mixup', 'CutMix'])
def test_labels_are_mixed_as_the_pixels_are(name):
    """Pixel means tell the partner (images hold their index) and the share of each."""
    augment = BATCH_AUGMENTS.build(dict(type=f'mlgcn.{name}', alpha=1.0))
    np.random.seed(3)
    torch.manual_seed(2)
    partners = torch.randperm(4)
    torch.manual_seed(2)
    images, labels = augment(IMAGES.clone(), LABELS)
    moved = partners != torch.arange(4)
    assert moved.any()
    first = ((images.mean((1, 2, 3)) - partners) / (torch.arange(4) - partners))[moved]
    share = first[0]
    assert 0 < share < 1 and torch.allclose(first, share, atol=1e-5)
    for row, (own, other) in enumerate(zip(LABELS, LABELS[partners])):
        for mixed, a, b in zip(labels[row], own, other):
            expected = -1.0 if a < 0 or b < 0 else share * a + (1 - share) * b
            assert mixed.item() == pytest.approx(float(expected), abs=1e-5)
