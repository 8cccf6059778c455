"""Open Images, MIIL's lists, CheXpert: options of their readers, and faults by file and line."""

import shutil

import numpy as np
import pytest
from layouts import DATA, SAMPLES, assert_fault_is_named, build, expected, read_with_fault, rows

FAULTS = [  # layout, file, text, its replacement, words of the message
    ('openimages_v6', '', 'b2,verification,/m/0zz02,0', 'b2,verification,/m/0zz02,0.5', ['line 5']),
    ('openimages_v6', '', 'ImageID,', 'Image,', ['line 1', 'header']),
    ('openimages_v6', '', '00000000000000b2,', '../../x,', ['line 5', '../../x']),
    ('miil_csv', '', "['/m/0zz02']\",train", "open('x')\",train", ['line 2', 'open(']),
    ('miil_csv', '', '[],val', '[],test', ['line 4', 'val']),
    ('chexpert', '', 'PA,,,-1.0', 'PA,,,0.5', ['line 3', '0.5']),
    ('chexpert', '', ',Edema', ',Fracture', ['line 1', 'once']),
    (
        'openimages_v6',
        'oidv6-classes-trainable.txt',
        '/m/0zz04',
        '/m/0zz01',
        ['trainable.txt', 'once', '/m/0zz01'],
    ),
    (
        'openimages_v6',
        'oidv6-classes-trainable.txt',
        '/m/0zz01',
        '<!DOCTYPE',
        ['trainable.txt', '/m/0', '<!DOCTYPE'],
    ),
    ('openimages_v6', '', '/m/0zz05,1\n', '/m/0zz05,1,2\n', ['line 6', 'Confidence']),
    ('miil_csv', '', "['/m/0zz02']\",train", "['']\",train", ['line 2', "['']"]),
    (
        'miil_csv',
        '',
        "['/m/0zz02']\",train",
        "['/m/0zz04']\",train",
        ['line 2', 'two states', '/m/0zz04'],
    ),
    ('miil_csv', '', 'test/d4.jpg', 'train/a1.jpg', ['second time', 'line 2', 'line 4']),
    ('chexpert', '', ',Frontal,AP,1.0,', ',Frontal,AP,1.0', ['line 2', '14 values', '13:']),
]


@pytest.mark.parametrize(('layout', 'file', 'old', 'new', 'words'), FAULTS)
def test_faults_are_named(tmp_path, layout, file, old, new, words):
    assert_fault_is_named(layout, tmp_path, file, old, new, words)


@pytest.mark.parametrize('layout', ['openimages_v6', 'miil_csv', 'chexpert'])
@pytest.mark.parametrize(
    'change',
    [lambda b: b'\xef\xbb\xbf' + b, lambda b: b.replace(b'\n', b'\r\n'), lambda b: b + b'\n\n'],
    ids=['byte order mark', 'line ends of Windows', 'empty lines'],
)
def test_what_changes_nothing(tmp_path, layout, change):
    folder, options = SAMPLES[layout]
    shutil.copytree(DATA / folder, tmp_path / 'data')
    path = tmp_path / 'data' / options['ann_file']
    path.write_bytes(change(path.read_bytes()))
    assert rows(build(layout, tmp_path / 'data')) == rows(build(layout))


@pytest.mark.parametrize('layout', ['openimages_v6', 'miil_csv', 'chexpert'])
@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (lambda b: b'', ''),
        (lambda b: b[: len(b) // 2], 'line '),
        (lambda b: b + b'x' * 200_000, 'line '),
        (lambda b: b + b'"an open quote', 'line '),
        (lambda b: b.decode().encode('utf-16'), 'UTF-16'),
        (lambda b: b + b'\xe9', 'UTF-8'),
    ],
    ids=['empty', 'cut off', 'huge cell', 'open quote', 'UTF-16', 'Latin-1'],
)
def test_files_that_are_damaged(tmp_path, layout, change, words):
    message = read_with_fault(layout, tmp_path, '', change)
    assert SAMPLES[layout][1]['ann_file'] in message and words in message


@pytest.mark.parametrize(
    'options',
    [
        {'classes': ['Lighthouse', 'Kite']},
        {'ann_file': 'train-annotations-machine-imagelabels.csv'},
    ],
    ids=['names instead of ids', 'the file of machine labels'],
)
def test_open_images_without_a_row_of_the_classes(options):
    with pytest.raises(
        ValueError, match=r'imagelabels.csv: expected rows verified .* none in \d+ rows'
    ):
        build('openimages_v6', **options)


def test_machine_labels_where_they_are_sure():
    machine = dict(machine_file='train-annotations-machine-imagelabels.csv')
    found = dict(rows(build('openimages_v6', **machine, machine_confidence=0.6)))
    assert found['00000000000000a1'] == [1, 0, 1, 1] and found['00000000000000b2'][0] == -1
    assert dict(rows(build('openimages_v6', **machine, machine_confidence=0.5)))[
        '00000000000000b2'
    ] == [1, 0, -1, -1]
    with pytest.raises(ValueError, match='machine_confidence'):
        build('openimages_v6', **machine)


def test_open_images_without_a_list_of_classes_and_with_rows_apart(tmp_path):
    text = 'ImageID,Source,LabelName,Confidence\na1,verification,/m/2,1\nb2,verification,/m/1,0\n'
    (tmp_path / 'human.csv').write_text(text + 'a1,verification,/m/1,1\na1,verification,/m/2,0\n')
    dataset = build('openimages_v6', tmp_path, ann_file='human.csv')
    assert dataset.metainfo['classes'] == ('/m/1', '/m/2')
    assert sorted(rows(dataset)) == [('a1', [1, -1]), ('b2', [0, -1])]


@pytest.mark.parametrize(('difficult', 'value'), [('ignore', -1), ('negative', 0), ('positive', 1)])
def test_uncertain_observations_of_chexpert(difficult, value):
    told = expected('chexpert')
    uncertain = np.array(told['uncertain']) == 1
    target = np.array([t for _, t in rows(build('chexpert', difficult=difficult))])
    assert (target[uncertain] == value).all()
    plain = np.array([row['target'] for row in told['rows']])
    np.testing.assert_array_equal(target[~uncertain], plain[~uncertain])
    blank = build('chexpert', unlisted='negative', difficult=difficult)
    assert (np.array([t for _, t in rows(blank)])[(plain == -1) & ~uncertain] == 0).all()
