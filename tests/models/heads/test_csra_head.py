"""CSRA against the published head (tests/data/peers/head_csra_*)."""

import pytest
import torch
from peer_cases import Case, names

from mlgcn.models.heads import CSRAHead


def build(case):
    options = {key: case.options[key] for key in ('num_heads', 'lam', 'num_classes')}
    return dict(type='mlgcn.CSRAHead', in_channels=case.shape[1], **options)


@pytest.mark.parametrize('name', names('csra'))
def test_equals_the_published_head(name):
    Case(name, build).check_eval()
    Case(name, build).check_train()


@pytest.mark.parametrize('num_classes', [1, 10_000])
def test_any_number_of_classes_and_one_image(num_classes):
    head = CSRAHead(num_classes, in_channels=8, num_heads=4)
    logits = head((torch.randn(1, 8, 1, 5),))
    assert logits.shape == (1, num_classes)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


@pytest.mark.parametrize('num_heads', [1, 6])
def test_attention_sums_to_one(num_heads):
    head = CSRAHead(5, in_channels=8, num_heads=num_heads)
    attention = head.explain((torch.randn(2, 8, 3, 4),))['attention']
    assert attention.shape == (2, 5, 3, 4)
    torch.testing.assert_close(attention.sum(dim=(2, 3)), torch.ones(2, 5))


def test_another_number_of_branches_is_named():
    with pytest.raises(ValueError, match='1, 2, 4, 6, 8, got 3'):
        CSRAHead(5, in_channels=8, num_heads=3)
