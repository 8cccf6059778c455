"""Query2Label against the published head (tests/data/peers/head_query2label_*)."""

import pytest
import torch
from peer_cases import Case, names

from mlgcn.models.heads import Query2LabelHead


def build(case):
    options = case.options
    first, others = options['keep_first_self_attn_dec'], options['keep_other_self_attn_dec']
    return dict(
        type='mlgcn.Query2LabelHead',
        num_classes=options['num_classes'],
        in_channels=case.shape[1],
        embed_dim=options['hidden_dim'],
        project=bool(options['keep_input_proj']),
        hidden=options['dim_feedforward'],
        num_heads=options['nheads'],
        num_encoders=options['enc_layers'],
        num_decoders=options['dec_layers'],
        self_attn=[bool(first), *[bool(others)] * (options['dec_layers'] - 1)],
        pre_norm=bool(options['pre_norm']),
        dropout=0.0,
    )


def tiny(num_classes=7, **kwargs):
    return Query2LabelHead(num_classes, in_channels=8, hidden=16, num_heads=2, **kwargs)


@pytest.mark.parametrize('name', names('query2label'))
def test_equals_the_published_head(name):
    Case(name, build).check_eval()
    Case(name, build).check_train()


@pytest.mark.parametrize('encoders', [0, 1])
@pytest.mark.parametrize('self_attn', [False, True, (False, True)])
@pytest.mark.parametrize('pre_norm', [False, True])
def test_every_form_trains_and_folds(encoders, self_attn, pre_norm):
    head = tiny(num_encoders=encoders, self_attn=self_attn, pre_norm=pre_norm)
    feats = (torch.randn(2, 8, 2, 3),)
    head(feats).sum().backward()
    trained = [p for p in head.parameters() if p.requires_grad]
    assert all(parameter.grad is not None for parameter in trained)
    with torch.no_grad():
        folded = head.eval()(feats)
    torch.testing.assert_close(folded, head(feats))


def test_the_table_of_positions_follows_the_map():
    head = tiny().eval()
    with torch.no_grad():
        x = torch.randn(1, 8, 2, 3)
        first = head((x,))
        assert not torch.allclose(first, head((x.reshape(1, 8, 3, 2),)))
        torch.testing.assert_close(first, head((x,)))
    assert not any('place' in key for key in head.state_dict())


def test_wrong_layers_and_widths_are_named():
    with pytest.raises(ValueError, match='num_decoders .* got 0'):
        tiny(num_decoders=0)
    with pytest.raises(ValueError, match='multiple of 4 channels, got 6'):
        tiny(embed_dim=6)((torch.randn(1, 8, 2, 2),))
