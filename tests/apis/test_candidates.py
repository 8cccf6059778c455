"""A candidate's name, options and config; channels that shipped recipes leave to the backbone."""

import pytest

from mlgcn.apis.candidates import HEADS, Candidate
from mlgcn.engine.config import fit_to_data

GIVEN = {'own.train': 'a.csv', 'own.val': 'b.csv'}


def test_a_candidate_is_a_recipe_at_a_size_with_a_loss():
    candidate = Candidate.of('linear', 224, 'AsymmetricLoss', GIVEN)
    assert candidate.name == 'linear 224 AsymmetricLoss'
    assert candidate.config.stem == 'own_linear'
    options = dict(candidate.options)
    assert options['own.size'] == 224 and options['own.train'] == 'a.csv'
    assert options['model.head.loss'] == dict(type='mlgcn.AsymmetricLoss')
    assert {candidate: 1}[candidate] == 1


@pytest.mark.parametrize('head', HEADS)
def test_recipes_take_their_channels_from_the_backbone(head):
    few = {'model.neck.k': 4} if head == 'gkgnet' else {}  # the last map has four places
    cfg = Candidate.of(head, 64, 'recipe', GIVEN | few).cfg()
    assert 'in_channels' not in cfg.model.head and 'in_channels' not in cfg.model.neck
    fit_to_data(cfg, ('cat', 'dog'))
    assert list(cfg.model.neck.in_channels) == ([1280] if head == 'linear' else [112, 1280])
    expected = dict(linear=1280, ctran=256, gkgnet=192).get(head, 112 + 1280)
    assert cfg.model.head.in_channels == expected
