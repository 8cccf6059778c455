"""CSRA against the published head (tests/data/peers/head_csra_*)."""

import pytest
import torch
from mmpretrain.structures import DataSample
from peer_cases import Case, names

from mlgcn.checkpoints.transfer import class_tensors
from mlgcn.models.heads import CSRAHead, LinearHead, ProbedCSRAHead


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


def test_two_readers_that_train_apart_and_answer_together():
    head, linear, csra = ProbedCSRAHead(5, 8), LinearHead(5, 8, pool='avg'), CSRAHead(5, 8)
    linear.fc.load_state_dict(head.probe.state_dict())
    csra.csra_heads.load_state_dict(head.csra_heads.state_dict())
    pooled, joined = torch.randn(3, 8, 1, 1), torch.randn(3, 8, 4, 6)
    samples = [DataSample().set_gt_score(torch.tensor([1, 0, -1, 0, 1])) for _ in range(3)]
    torch.testing.assert_close(head([pooled, joined]), (linear([pooled]) + csra([joined])) / 2)
    linear.mean_over_classes = True
    alone = linear.loss([pooled], samples)['loss'] + csra.loss([joined], samples)['loss']
    torch.testing.assert_close(head.loss([pooled, joined], samples)['loss'], alone)
    assert head.explain([pooled, joined])['attention'].shape == (3, 5, 4, 6)


def test_rows_of_both_readers_move_by_the_names_of_classes():
    rows = class_tensors(ProbedCSRAHead(5, 8))
    assert rows == {'probe.weight': (0,), 'probe.bias': (0,), 'csra_heads.0.head.weight': (0,)}


def test_a_neck_without_pooled_maps_is_named():
    with pytest.raises(ValueError, match='1 feature maps.*neck.pooled=True'):
        ProbedCSRAHead(5, 8)([torch.randn(3, 8, 4, 6)])
