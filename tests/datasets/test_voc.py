from pathlib import Path

import pytest
from mmpretrain.datasets.categories import VOC2007_CATEGORIES

from mlgcn.datasets import VOCMultiLabel


def refused(root, error=ValueError, split='trainval', **options) -> str:
    with pytest.raises(error) as caught:
        VOCMultiLabel(data_root=str(root), split=split, **options)
    message = str(caught.value)
    assert '\n' not in message
    return message


def table(dataset) -> dict:
    """{image: scores}, in the data set's order."""
    items = [dataset.get_data_info(i) for i in range(len(dataset))]
    return {Path(item['img_path']).stem: item['gt_score'].tolist() for item in items}


@pytest.mark.parametrize('lists', [True, False], ids=['lists', 'xml'])
@pytest.mark.parametrize(('difficult', 'd'), [('positive', 1), ('negative', 0), ('ignore', -1)])
def test_labels(voc, lists, difficult, d):
    """Lists and XML give the same, in the split file's order; 1 wins over difficult."""
    root = voc(lists=lists)
    dataset = VOCMultiLabel(data_root=str(root), split='trainval', difficult=difficult)
    assert dataset.metainfo['classes'] == ('cat', 'dog', 'eel')
    assert table(dataset) == {'b': [1, d, 0], 'a': [0, 1, d], 'c': [0, 0, 0]}
    assert list(table(dataset)) == ['b', 'a', 'c']
    assert dataset.get_cat_ids(0) == ([0, 1] if d == 1 else [0])


def test_lists_win_over_xml(voc):
    root = voc()
    (root / 'Annotations' / 'a.xml').unlink()
    assert len(VOCMultiLabel(data_root=str(root), split='trainval')) == 3


def test_every_xml_without_a_split(voc):
    root = voc(lists=False)
    (root / 'ImageSets' / 'Main' / 'trainval.txt').write_text('b\n')
    assert list(table(VOCMultiLabel(data_root=str(root), split='trainval'))) == ['b']
    assert list(table(VOCMultiLabel(data_root=str(root), split=''))) == ['a', 'b', 'c']


@pytest.mark.parametrize('lists', [True, False])
def test_the_twenty_classes_keep_vocs_order(voc, lists):
    names = sorted(VOC2007_CATEGORIES, reverse=True)
    root = voc({'a': dict.fromkeys(names, 1)}, lists)
    dataset = VOCMultiLabel(data_root=str(root), split='trainval')
    assert dataset.metainfo['classes'] == VOC2007_CATEGORIES


def test_class_names_and_image_names_with_spaces_and_underscores(voc):
    root = voc(
        {'my photo': {'traffic_light': 1, 'école': -1}, 'ß': {'traffic_light': 0, 'école': 1}}
    )
    dataset = VOCMultiLabel(data_root=str(root), split='trainval', difficult='ignore')
    assert dataset.metainfo['classes'] == ('traffic_light', 'école')
    assert table(dataset) == {'my photo': [1, 0], 'ß': [-1, 1]}


def test_lists_of_another_split_are_not_read(voc):
    root = voc(split='val')
    main = root / 'ImageSets' / 'Main'
    (main / 'trainval.txt').write_text('a\n')
    dataset = VOCMultiLabel(data_root=str(root), split='trainval')
    assert table(dataset) == {'a': [1, 1]}  # XML of a: dog, and eel that is difficult
    assert dataset.metainfo['classes'] == ('dog', 'eel')


def test_other_image_kinds_are_found(voc, photo):
    root = voc()
    (root / 'JPEGImages' / 'a.jpg').unlink()
    photo(root / 'JPEGImages' / 'a.PNG')
    dataset = VOCMultiLabel(data_root=str(root), split='trainval')
    assert [Path(dataset.get_data_info(i)['img_path']).name for i in range(3)] == [
        *('b.jpg', 'a.PNG', 'c.jpg')
    ]


def test_given_classes(voc):
    root = voc()
    wanted = ('eel', 'dog', 'cat', 'unseen')
    dataset = VOCMultiLabel(data_root=str(root), split='trainval', classes=wanted)
    assert table(dataset)['b'] == [0, 1, 1, 0]
    message = refused(root, classes=('cat', 'eel'))
    for word in ('image b', 'dog', 'cat, eel'):
        assert word in message


def test_lists_that_disagree_with_the_split(voc):
    root = voc()
    path = root / 'ImageSets' / 'Main' / 'dog_trainval.txt'
    path.write_text('a  1\nb  0\nx -1\n')
    message = refused(root)
    for word in ('dog_trainval.txt', 'trainval.txt', 'c, x'):
        assert word in message


@pytest.mark.parametrize('line', ['a', 'a  2', 'a  1  yes'])
def test_wrong_line_in_a_list(voc, line):
    root = voc()
    (root / 'ImageSets' / 'Main' / 'dog_trainval.txt').write_text(f'b 1\n{line}\n')
    message = refused(root)
    for word in ('dog_trainval.txt', 'line 2', repr(line), '1|0|-1'):
        assert word in message


def test_list_in_another_encoding(voc):
    root = voc()
    (root / 'ImageSets' / 'Main' / 'dog_trainval.txt').write_bytes(b'\xe9 1\n')
    message = refused(root)
    assert 'dog_trainval.txt' in message
    assert 'UTF-8' in message


def test_repeated_image(voc):
    root = voc()
    (root / 'ImageSets' / 'Main' / 'trainval.txt').write_text('b\na\nb\nc\n')
    message = refused(root)
    assert "trainval.txt, line 3: image 'b' a second time" in message


def test_unknown_split_names_the_others(voc):
    message = refused(voc(), FileNotFoundError, split='tset')
    for word in ('tset', 'there are: trainval', 'VOCtest_06-Nov-2007.tar', 'MLGCN_DATA'):
        assert word in message


def test_absent_data_root_says_what_to_download(tmp_path):
    for year in (2007, 2012):
        root = tmp_path / 'VOCdevkit' / f'VOC{year}'
        message = refused(root, FileNotFoundError)
        for word in (
            f'-{year}.tar',
            f'pascal/VOC/voc{year}',
            f'unpack in {tmp_path}',
            'MLGCN_DATA',
        ):
            assert word in message


@pytest.mark.parametrize(
    ('xml', 'words'),
    [
        (None, ['not found']),
        ('<annotation>', ['XML', 'no element']),
        ('<svg/>', ['<svg>', '<annotation>']),
        ('<?xml version="1.0" encoding="klingon"?><annotation/>', ['XML', 'klingon']),
        ('<annotation><object/></annotation>', ['object 1', '<name>']),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>', ['DOCTYPE']),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>', ['DOCTYPE']),
    ],
)
def test_wrong_xml(voc, xml, words):
    root = voc(lists=False)
    path = root / 'Annotations' / 'a.xml'
    path.unlink() if xml is None else path.write_text(xml)
    message = refused(root)
    for word in ['a.xml', *words]:
        assert word in message


def test_difficult_may_be_left_out_of_the_xml(voc):
    root = voc(lists=False)
    xml = '<annotation><object><name> ox </name></object></annotation>'
    (root / 'Annotations' / 'c.xml').write_text(xml)
    dataset = VOCMultiLabel(data_root=str(root), split='trainval', difficult='ignore')
    assert table(dataset)['c'] == [0, 0, 0, 1]


def test_mistyped_policy(voc):
    message = refused(voc(), difficult='skip')
    assert 'skip' in message
    assert 'ignore' in message


def test_an_image_twice_in_a_class_list(voc):
    root = voc()
    path = root / 'ImageSets/Main/cat_trainval.txt'
    path.write_text(path.read_text() + 'b -1\n')
    message = refused(root)
    assert "cat_trainval.txt, line 5: image 'b' a second time" in message


@pytest.mark.parametrize(
    'form', ['{}.jpg', '"{}"', "'{}.jpg'", '/data/VOC/JPEGImages/{}.jpg', './{}', 'C:\\x\\{}.png']
)
@pytest.mark.parametrize('lists', [True, False])
def test_ways_to_write_a_list(voc, form, lists):
    root = voc(lists=lists)
    main = root / 'ImageSets/Main'
    for path in main.glob('*.txt'):
        lines = [line.split() for line in path.read_text().splitlines() if line]
        path.write_text(''.join(' '.join([form.format(i), *rest]) + '\n' for i, *rest in lines))
    expected = {'b': [1, 1, 0], 'a': [0, 1, 1], 'c': [0, 0, 0]}
    assert table(VOCMultiLabel(data_root=str(root), split='trainval')) == expected


def test_another_list_of_images_is_no_class(voc):
    root = voc(lists=False)
    (root / 'ImageSets/Main/aug_trainval.txt').write_text('a\nb\n')
    dataset = VOCMultiLabel(data_root=str(root), split='trainval')
    assert dataset.metainfo['classes'] == ('cat', 'dog', 'eel')
    assert 'aug_trainval.txt' in dataset.notes[0]
    assert len(VOCMultiLabel(data_root=str(root), split='aug_trainval')) == 2


def test_a_class_list_that_is_empty_is_named(voc):
    root = voc()
    (root / 'ImageSets/Main/fox_trainval.txt').write_text('\n')
    with pytest.raises(ValueError, match=r'fox_trainval\.txt.*empty'):
        VOCMultiLabel(data_root=str(root), split='trainval')


def test_values_in_the_list_of_a_split_are_named(voc):
    root = voc(lists=False)
    (root / 'ImageSets/Main/trainval.txt').write_text('a 1\nb -1\n')
    with pytest.raises(ValueError, match=r"trainval\.txt.*'a 1'"):
        VOCMultiLabel(data_root=str(root), split='trainval')


@pytest.mark.parametrize('lists', [True, False])
def test_files_of_operating_systems_are_ignored(voc, lists):
    root = voc(lists=lists)
    for name in ('Annotations/._a.xml', 'ImageSets/Main/._trainval.txt', 'JPEGImages/._a.jpg',
                 'ImageSets/Main/._cat_trainval.txt', 'JPEGImages/Thumbs.db'):  # fmt: skip
        (root / name).write_bytes(b'\0\5\x16\7Mac OS X')
    for split in ('trainval', ''):
        dataset = VOCMultiLabel(data_root=str(root), split=split)
        assert sorted(table(dataset)) == ['a', 'b', 'c']
        assert dataset.metainfo['classes'] == ('cat', 'dog', 'eel')


def test_all_wrong_xml_files_are_named(voc):
    root = voc(lists=False)
    for name in 'ab':
        (root / f'Annotations/{name}.xml').write_text('<svg/>')
    (root / 'Annotations/c.xml').unlink()
    message = refused(root)
    assert 'a.xml' in message
    assert 'b.xml' in message
    assert 'c.xml: not found' in message


def test_two_files_of_one_image(voc, photo):
    root = voc()
    photo(root / 'JPEGImages/a.png')
    dataset = VOCMultiLabel(data_root=str(root), split='trainval')
    assert any('second file' in note and 'a.jpg' in note for note in dataset.notes)
