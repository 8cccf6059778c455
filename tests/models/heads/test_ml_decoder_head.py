"""ML-Decoder against the published head (tests/data/peers/head_mldecoder_*)."""

import numpy as np
import pytest
import torch
from peer_cases import Case, names

from mlgcn.models.heads import MLDecoderHead


def build(case):
    return dict(
        type='mlgcn.MLDecoderHead',
        num_classes=case.options['num_classes'],
        in_channels=case.shape[1 if len(case.shape) == 4 else 2],
        embed_dim=case.options['decoder_embedding'],
        num_groups=case.options['num_of_groups'],
        word_vectors=300 if case.options['zsl'] else None,
        dropout=0.0,
    )


def case_of(name):
    case = Case(name, build)
    if case.options['zsl']:
        case.head.set_words(case.vectors)
    return case


def tiny(num_classes=7, **kwargs):
    return MLDecoderHead(num_classes, in_channels=6, embed_dim=8, num_heads=2, **kwargs)


@pytest.mark.parametrize('name', [*names('mldecoder'), *names('mldecoder_zsl')])
def test_equals_the_published_head(name):
    case_of(name).check_eval()
    case_of(name).check_train()


def test_1001_groups_for_1002_classes_have_room_for_all():
    # the published int(K / Q + 0.999) gives one slot per query: too few
    assert tiny(1002, num_groups=1001).eval()((torch.randn(2, 6, 2, 2),)).shape == (2, 1002)


def test_other_words_are_other_classes(tmp_path):
    np.save(tmp_path / 'words.npy', np.random.rand(7, 5).astype(np.float32))
    head = tiny(word_vectors=str(tmp_path / 'words.npy')).eval()
    feats = (torch.randn(2, 6, 3, 3),)
    with torch.no_grad():
        assert head(feats).shape == (2, 7)
        head.set_words(torch.rand(3, 5))
        assert head(feats).shape == (2, 3)
    assert not any('words' in key for key in head.state_dict())
    with pytest.raises(ValueError, match=r'\(K, 5\), got \(3, 4\)'):
        head.set_words(torch.rand(3, 4))
    with pytest.raises(ValueError, match='set_words'):
        tiny(word_vectors=5)(feats)


def test_attention_of_grouped_classes():
    head = tiny(num_groups=3).eval()
    attention = head.explain((torch.randn(2, 6, 2, 5),))['attention']
    assert torch.equal(attention[:, 0], attention[:, 2])  # three classes ask as one
    assert not torch.equal(attention[:, 2], attention[:, 3])
