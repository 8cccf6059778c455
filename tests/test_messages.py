"""Lists cut short, control characters, nearest names."""

from mlgcn.messages import nearest, printable, some


def test_some_names_of_many():
    assert some('abc') == 'a, b, c'
    assert len(some(['x' * 10**6])) < 400
    assert some(range(12)).endswith('8, 9, ... (2 more)')


def test_a_terminal_gets_no_control_characters():
    assert printable('a\x1b[2Jb\x07\x9b1m\u202e\udcff') == r'a\x1b[2Jb\x07\x9b1m\u202e\udcff'
    assert printable('ü\n\t') == 'ü\n\t'


def test_nearest_names():
    assert "'train'" in nearest('trian', ('test', 'train')) and nearest('x', ('train',)) == ''


def test_case_comes_first():
    assert "'SGD'" in nearest('Sgd', ('Sigmoid', 'SGD'))
    assert "'mAP'" in nearest('map', ('CP', 'mAP'))


def test_names_that_have_a_word():
    known = ['gkgnet_coco_576', 'gkgnet_voc07_448', 'addgcn_coco_448']
    assert nearest('gkgnet', known) == ''
    both = "; did you mean 'gkgnet_coco_576' or 'gkgnet_voc07_448'?"
    assert nearest('gkgnet', known, parts=True) == nearest('gkgne', known, parts=True) == both
    assert nearest('ab', known, parts=True) == ''
