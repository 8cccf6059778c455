"""The worst mistakes come first, with every label marked rightly."""

import pytest
from score_files import NAMES

from mlgcn.visualization.photographs import galleries
from mlgcn.visualization.runs import load_runs


def test_galleries(runs, tmp_path):
    loaded, _ = load_runs(runs)
    ((heading, (false,)), (_, (missed,)), (_, others)), unread = galleries(loaded, tmp_path)
    assert heading == 'Worst false predictions (1 images have one)' and not unread
    b_right = ([('right', 'cat', '98%')], 0)
    assert (false['name'], false['kind'], false['label']) == ('0.png', 'wrong', 'hen')
    assert false['true'] == 'cat' and false['uri'].startswith('data:image/jpeg;base64,')
    a_first = ([('right', 'cat', '95%'), ('wrong', 'hen', '73%')], 0)
    assert false['predictions'] == [a_first, b_right]
    assert (missed['name'], missed['kind'], missed['label']) == ('1.png', 'missed', 'hen')
    assert missed['predictions'][0][0] == [('right', NAMES[1], '88%'), ('missed', 'hen', '2%')]
    assert [card['name'] for card in others] == ['1.png', '0.png', '2.png']
    a_last = ([('unknown', NAMES[1], '88%'), ('right', 'cat', '73%')], 0)
    assert others[2]['predictions'] == [a_last, b_right] and not others[2]['label']


def test_missing_photographs_are_named(runs, tmp_path):
    (tmp_path / 'photos/1.png').unlink()
    (tmp_path / 'photos/2.png').write_bytes(b'no picture')
    with pytest.warns(UserWarning, match=r'2 of 3 photographs cannot be read, e\.g\. .*1\.png'):
        found, unread = galleries(load_runs(runs)[0], tmp_path)
    assert '2 of 3' in unread
    assert sum(card['uri'] is None for _, cards in found for card in cards) == 3
