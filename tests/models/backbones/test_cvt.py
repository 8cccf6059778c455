"""CvT: the function of Hugging Face's port, whose outputs for the same weights are below."""

import numpy as np
import pytest
import torch
from fill import fill_, make_input

from mlgcn.models.backbones import CvT, cvt


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(cvt.ARCHS, 'tiny', ((8, 12, 16), (1, 3, 4), (1, 2, 3)))
    return lambda act: fill_(CvT('tiny', act)).double().eval()


@torch.no_grad()
def test_equals_another_implementation(tiny):
    """transformers 5.24.0's CvtModel, then its own final norm; float64."""
    images = make_input('cvt', (2, 3, 36, 50)).double()
    (found,) = tiny('gelu')(images)
    assert found.shape == (2, 16, 3, 3)
    expected = [
        1.94884797231,
        0.68374740207,
        1.6494724887,
        0.53864420698,
        -0.54150982853,
        -1.09192382614,
        -0.22198065369,
        -0.47554990397,
    ]
    np.testing.assert_allclose(found.flatten()[::37], expected, rtol=0, atol=1e-9)
    other = tiny('quick_gelu')(images)[0]
    assert 1e-4 < (other - found).abs().max() < 0.1


def test_every_parameter_has_a_gradient(tiny):
    model = tiny('quick_gelu').train()
    model(torch.randn(2, 3, 32, 32).double())[0].square().sum().backward()
    without = {name for name, p in model.named_parameters() if p.grad is None}
    assert not without


def test_another_arch_is_named():
    with pytest.raises(ValueError, match="expected one of 13, 21, w24 .*'14'"):
        CvT('14')
