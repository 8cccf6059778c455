"""What labels and facts of images say together, without a file."""

import numpy as np
import pytest

from mlgcn.datasets.annotations import Box, Labels
from mlgcn.datasets.audit import Split, findings, report_dict, report_text
from mlgcn.datasets.image_check import ImageFacts, look_of


def cases(images, facts=(), classes=('cat', 'dog'), word='') -> list[str]:
    """The cases of the findings whose name has `word`; `images` are those of one split."""
    found = findings([Split('train', classes, images)], {fact.path: fact for fact in facts})
    return [case for finding in found if word in finding.what for case in finding.cases]


@pytest.mark.parametrize(
    ('corners', 'words'),
    [
        ((0, 0, 120.5, 80), None),  # a pixel of rounding
        ((100, 10, 130, 20), ['100 10 to 130 20 in 120 x 80', 'a.json, image 1, box 3']),
        ((5, 5, 5, 15), ['5 5 to 5 15: empty']),
        ((float('nan'),) * 4, ['empty']),
        (None, None),
    ],
)
def test_boxes(corners, words):
    labels = Labels('1.png', ['cat'], where='a.json, image 1', boxes=[Box('cat', corners, 'box 3')])
    found = cases([labels], [ImageFacts('1.png', size=(120, 80))], word='boxes')
    assert len(found) == (words is not None)
    assert all(word in found[0] for word in words or ())


@pytest.mark.parametrize('is_turned', [False, True])
def test_sizes_and_boxes_are_judged_after_the_exif_turn(is_turned):
    boxes = [Box('cat', (5, 90, 35, 110), 'box 1'), Box('cat', (5, 5, 95, 15), 'box 2')]
    labels = Labels('1.jpg', ['cat'], boxes=boxes, size=(120, 80))
    facts = [ImageFacts('1.jpg', is_turned=is_turned, size=(80, 120))]
    (outside,) = cases([labels], facts, word='boxes')
    assert ('5 5 to 95 15 in 80 x 120' if is_turned else 'in 120 x 80') in outside
    wrong = [] if is_turned else ['1.jpg: 80 x 120, annotated 120 x 80']
    assert cases([labels], facts, word='size is not') == wrong


def test_similar_class_names():
    """In case, spaces, signs or a plural's s, each with the line where it stands first."""
    names = [['cat', 'Cat'], ['sea_horse', 'sea horse', 'boxes', 'box', 'owl'], ['owls', 'fox']]
    names[2] += ['7', '007', '7.0']
    images = [Labels(f'{i}.jpg', some, where=f'line {i}') for i, some in enumerate(names)]
    found = cases(images, classes=sorted(sum(names, [])), word='nearly the same')
    assert len(found) == 5
    for name, line in (('cat', 0), ('Cat', 0), ('box', 1), ('boxes', 1), ('owl', 1), ('owls', 2)):
        assert f"'{name}' (line {line})" in ' '.join(found)
    assert 'fox' not in ' '.join(found)


def test_copies_and_looks():
    """Equal pixels across splits are a leak; looks are compared, also between sizes."""
    noise = np.random.RandomState(0).randint(0, 256, (8, 12, 3), np.uint8)
    large = noise.repeat(10, axis=0).repeat(10, axis=1)
    looks = [look_of(large), look_of(large[::2, ::2]), look_of(large[::-1].copy())]
    facts = {
        f'{i}.jpg': ImageFacts(f'{i}.jpg', pixels='abcc'[i], look=looks[i % 3]) for i in range(4)
    }
    splits = [
        Split('train', ['cat'], [Labels('0.jpg', ['cat']), Labels('2.jpg', ['cat'])]),
        Split('val', ['cat'], [Labels('1.jpg', ['cat']), Labels('3.jpg', [])]),
    ]
    report = report_dict(splits, findings(splits, facts))
    text = report_text(report)
    errors, warnings = report['errors'], report['warnings']
    assert errors['identical images in several splits (leaks)'] == ['train: 2.jpg = val: 3.jpg']
    (alike,) = (found for what, found in warnings.items() if 'alike' in what)
    assert 'train: 0.jpg = val: 1.jpg' in alike
    assert 'ERROR: identical images in several splits (leaks): 1' in text
    assert 'val: 2 images, 1 classes, 0.50 labels per image' in text
