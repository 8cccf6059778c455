"""CSRA against the published head (tests/data/peers/head_csra_*)."""

import pytest
from peer_cases import Case, names

from mlgcn.models.heads import CSRAHead


def build(case):
    options = {key: case.options[key] for key in ('num_heads', 'lam', 'num_classes')}
    return dict(type='mlgcn.CSRAHead', in_channels=case.shape[1], **options)


@pytest.mark.parametrize('name', names('csra'))
def test_equals_the_published_head(name):
    Case(name, build).check_eval()
    Case(name, build).check_train()


def test_another_number_of_branches_is_named():
    with pytest.raises(ValueError, match='1, 2, 4, 6, 8, got 3'):
        CSRAHead(5, in_channels=8, num_heads=3)
