from unicodedata import normalize

import pytest

from mlgcn.datasets import CsvMultiLabel


@pytest.fixture
def csv(tmp_path, photo):
    """A function that writes a CSV and some photographs; returns the CSV's path."""

    def write(text, names=('a.jpg', 'b.jpg', 'c.jpg')):
        for name in names:
            photo(tmp_path / name)
        path = tmp_path / 'labels.csv'
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def read(path, **options):
    return CsvMultiLabel(ann_file=path.name, data_root=str(path.parent), **options)


def refused(path, error=ValueError, **options) -> str:
    with pytest.raises(error) as caught:
        read(path, **options)
    message = str(caught.value)
    assert '\n' not in message
    return message


def scores(dataset) -> list:
    return [dataset.get_data_info(i)['gt_score'].tolist() for i in range(len(dataset))]


@pytest.mark.parametrize('head', ['', '\ufeff', 'file,labels\n', '\ufefffile,labels\r\n', '\n\n'])
def test_labels(csv, head):
    dataset = read(csv(head + 'b.jpg,dog|cat\na.jpg,\n\nc.jpg,cat\n'))
    assert dataset.metainfo['classes'] == ('cat', 'dog')
    assert scores(dataset) == [[1, 1], [0, 0], [1, 0]]
    assert [dataset.get_cat_ids(i) for i in range(3)] == [[0, 1], [], [0]]


def test_spaces_commas_and_unicode(csv):
    path = csv('"sub dir/é, 1.jpg", chat noir | "été" |chat noir|\n', names=['sub dir/é, 1.jpg'])
    with pytest.raises(ValueError, match='line 1'):  # a quote inside an unquoted cell is kept
        read(path, classes=['chat noir', 'été'])
    path = csv('"sub dir/é, 1.jpg", "chat noir | été, |chat noir|"\n')
    dataset = read(path)
    assert dataset.metainfo['classes'] == ('chat noir', 'été,')
    assert scores(dataset) == [[1, 1]]
    assert dataset.get_data_info(0)['img_path'].endswith('sub dir/é, 1.jpg')


def test_given_classes(csv):
    path = csv('file,labels\na.jpg,dog\n')
    assert scores(read(path, classes=['ox', 'dog'])) == [[0, 1]]
    message = refused(path, classes=['ox', 'cat'])
    for word in ('labels.csv, line 2', 'dog', '2 known classes: ox, cat'):
        assert word in message


def test_given_classes_must_differ(csv):
    message = refused(csv('a.jpg,dog\n'), classes=['dog', 'ox', 'dog'])
    assert message.endswith('more than once: dog')


def test_classes_from_a_file(csv, tmp_path):
    (tmp_path / 'classes.txt').write_text('ox\ndog\n')
    dataset = read(csv('a.jpg,dog\n'), classes=str(tmp_path / 'classes.txt'))
    assert dataset.metainfo['classes'] == ('ox', 'dog')


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('a.jpg,dog\nb.jpg,cat\n a.jpg,dog\n', ['line 3', '/a.jpg', 'line 1']),
        ('a.jpg,dog\nb.jpg,cat,dog\n', ['line 2', "['b.jpg', 'cat', 'dog']", 'label1|label2']),
        ('a.jpg dog\n', ['line 1', "['a.jpg dog']"]),
        ('a.jpg,dog\n,cat\n', ['line 2', "['', 'cat']"]),
        ('a.jpg,"dog\n', ['unexpected end']),
        (b'a.jpg,dog\nb.jpg,\xe9t\xe9\n', ['line 2', 'UTF-8', '0xe9', 'save it as UTF-8']),
        ('a.jpg,dog\n'.encode('utf-16'), ['UTF-16', 'save it as UTF-8']),
        ('a.jpg,dog\n'.encode('utf-16-le'), ['UTF-16', 'save it as UTF-8']),
        (b'PK\x03\x04\x14\0', ['workbook', 'UTF-8']),
        ('f,x,x\na.jpg,1,0\nb.jpg,0,1\n', ['header', "each once, seen 'x'"]),
        ('f,x,\na.jpg,1,0\nb.jpg,0,1\n', ['header', "''"]),
        ('a.jpg,\nb.jpg,\n', ['no class']),
        ('file,labels\n', ['no class']),
        ('', ['no class']),
    ],
)
def test_wrong_content(csv, text, words):
    message = refused(csv(text))
    for word in ['labels.csv', *words]:
        assert word in message


def test_absent_label_file(tmp_path):
    message = refused(tmp_path / 'labels.csv', FileNotFoundError)
    assert 'labels.csv' in message


def labels(dataset) -> list:
    classes = dataset.metainfo['classes']
    items = (dataset.get_data_info(i) for i in range(len(dataset)))
    return [' '.join(classes[k] for k in item['gt_label']) for item in items]


@pytest.mark.parametrize(
    'text',
    [
        'a.jpg;ox|dog\nb.jpg;dog\nc.jpg;\n',
        'a.jpg\tox|dog\nb.jpg\tdog\nc.jpg\t\n',
        'sep=;\na.jpg;ox|dog\nb.jpg;dog\nc.jpg;\n',
        'a.jpg;ox,dog\nb.jpg;dog\nc.jpg;ox\n',
        'a.jpg,"ox;dog"\nb.jpg,dog\nc.jpg,ox\n',
        'a.jpg,"ox, dog"\nb.jpg,dog\nc.jpg,ox\n',
        """a.jpg,"['ox', 'dog']"\nb.jpg,"['dog']"\nc.jpg,[]\n""",
        'a.jpg,"[""ox"", ""dog""]"\nb.jpg,"[""dog""]"\nc.jpg,\n',
        "a.jpg,\"{'ox', 'dog'}\"\nb.jpg,[dog]\nc.jpg,\n",
        'img,dog,ox\na.jpg,1,1\nb.jpg,1.0,0.0\nc.jpg,0,0\n',
        'img;dog;ox\na.jpg;TRUE;TRUE\nb.jpg;True;false\nc.jpg;0;0\n',
        'img,dog,ox\na.jpg,1.,1e0\nb.jpg,1.000000e+00,0.00\nc.jpg,nan,0\n',
    ],
)
def test_separators_lists_and_columns(csv, text):
    dataset = read(csv(text))
    assert dataset.metainfo['classes'] == ('dog', 'ox')
    assert labels(dataset)[:2] == ['dog ox', 'dog']


def test_a_deeply_nested_list_is_a_name(csv):
    deep = '[' * 3000 + ']' * 3000
    assert read(csv(f'a.jpg,{deep}\n')).metainfo['classes'] == (deep,)


def test_one_column_of_0_and_1(csv):
    dataset = read(csv('file,dog\na.jpg,1\nb.jpg,0\n'))
    assert (dataset.metainfo['classes'], labels(dataset)) == (('dog',), ['dog', ''])
    assert read(csv('file,label\na.jpg,1\nb.jpg,0\n')).metainfo['classes'] == ('0', '1')


def test_a_stated_separator(csv):
    path = csv('a.jpg,ox dog\nb.jpg,dog\n')
    assert labels(read(path, separator=' ')) == ['dog ox', 'dog']
    assert read(path).metainfo['classes'] == ('dog', 'ox dog')
    assert labels(read(csv('a.jpg,ox\tdog\n'), separator=r'\t')) == ['dog ox']  # as typed
    dataset = read(csv('a.jpg,ox|dog\n'), separator=';')
    assert "no cell has the separator ';' (own.separator)" in dataset.notes


@pytest.mark.parametrize(
    ('cells', 'words'),
    [
        (['ox dog', 'ox', 'dog'], ["'ox dog'", "'ox' and 'dog'", "own.separator=' '"]),
        (['ox dog', 'dog ox'], ["'dog ox'", "own.separator=' '"]),
        (['ox/dog', 'ox', 'dog'], ["own.separator='/'"]),
        (['ox_dog', 'ox', 'dog'], ["own.separator='_'"]),
        (['"ox;dog"', 'cow', 'hen'], ["own.separator=';'"]),
        (['犬、猫', '牛', '馬'], ["'犬' and '猫'", "own.separator='、'"]),
        (['nan', 'ox', 'dog'], ['empty cell', "'nan'"]),
        (['"[\'ox\'"', 'ox', 'dog'], ['a list', "['ox'"]),
        (['{}', 'ox', 'None'], ["'None'", "'{}'"]),
        (['1', '0', '1'], ['one column for each class']),
        (['ox and dog', 'ox', 'dog'], ["own.separator=' and '"]),
        (['"ox\ndog"', 'cow', 'hen'], [r"own.separator='\n'"]),
        (['a.jpg', 'b.jpg', 'b.jpg'], ['look like images: a.jpg, b.jpg', 'the file comes first']),
    ],
)
def test_suspicious_names_are_said(csv, cells, words):
    dataset = read(csv(''.join(f'{n}.jpg,{cell}\n' for n, cell in zip('abc', cells))))
    for word in words:
        assert word in ' '.join(dataset.notes)


@pytest.mark.parametrize('cells', [['traffic light', 'light', 'hot dog'], ['a-b', 'a', 'c']])
def test_names_of_several_words_are_not_suspicious(csv, cells):
    assert read(csv(''.join(f'{n}.jpg,{c}\n' for n, c in zip('abc', cells)))).notes == []


def test_the_first_row_without_an_ending_is_an_image_where_there_is_one(csv, photo, tmp_path):
    for name in ('img_1', 'img_2'):
        photo(tmp_path / 'x.jpg').rename(tmp_path / name)
    dataset = read(csv('img_1,cat\nimg_2,dog\n'))
    assert len(dataset) == 2
    assert dataset.notes == []
    (tmp_path / 'img_1').unlink()
    (tmp_path / 'img_2').rename(tmp_path / 'img_2.jpg')
    message = refused(csv('img_1,cat\nimg_2,cat\na.jpg,cat\n'), FileNotFoundError)
    assert 'img_1, ' in message
    assert 'img_2 (there is img_2.jpg)' in message


@pytest.mark.parametrize('first', ['a.jpg;ox', 'sub,ox'])
def test_what_may_be_an_image_is_no_header(csv, first, photo, tmp_path):
    """One with another separator than the other lines; a folder in the place of an image."""
    photo(tmp_path / 'sub/a.jpg')
    message = refused(csv(f'{first}\nb.jpg,dog\nc.jpg,cat\n'))
    assert ('line 1' if ';' in first else 'sub (a folder)') in message


@pytest.mark.parametrize(
    'head', ['file,labels', 'Bild,Tiere', 'image;tags', 'image_name,tags', 'File Path,x']
)
def test_a_header_is_said(csv, head):
    dataset = read(csv(f'{head}\na.jpg,dog\n'.replace(',', ';' if ';' in head else ',')))
    assert len(dataset) == 1
    assert head.replace(';', ',') in dataset.notes[0]


@pytest.mark.parametrize('first', ['a', 'a.jpg?size=9', 'http://x.org/a.jpg?size=9'])
def test_an_image_written_in_another_way_is_no_header(csv, first):
    assert 'absent' in refused(csv(f'{first},ox\nb.jpg,dog\nc.jpg,cat\n'), FileNotFoundError)


def test_all_errors_of_a_file_with_their_lines(csv):
    message = refused(csv('a.jpg,x\nb.jpg\nc.jpg,y\n./a.jpg,y\n,z\nx, y.jpg,z\n"a.jpg",x\n'))
    words = ['line 2', 'a.jpg a second time with different labels (x; y)', 'line 4', 'line 5']
    words += ['line 6', 'double quotes', 'a.jpg a second time with the same labels', 'line 7']
    assert [word for word in words if word not in message] == []
    assert 'need a header' in refused(csv('a.jpg,1,0\n'))
    assert 'double quotes' in refused(csv('a, b.jpg,cat\na.jpg,dog\n'))
    assert "line 3: expected 1, 0, -1 or nothing in the columns of classes, seen '2'" in refused(
        csv('f,x,y\na.jpg,1,0\nb.jpg,0,2\n')
    )


def test_paths_and_names_of_other_systems(csv, photo, tmp_path):
    photo(tmp_path / 'sub' / (normalize('NFD', 'é') + '.jpg'))
    composed, apart = normalize('NFC', 'crème'), normalize('NFD', 'crème')
    name = normalize('NFC', 'é')
    dataset = read(csv(f'a.jpg,{composed}\nb.jpg,{apart}\nsub\\{name}.jpg,{apart}\n'))
    assert dataset.metainfo['classes'] == (composed,)
    assert [composed] * 3 == labels(dataset)
    assert '1 images are written in another way' in dataset.notes[0]
    assert scores(read(csv(f'a.jpg,{apart}\n'), classes=[apart])) == [[1]]


@pytest.mark.parametrize(
    ('text', 'unlisted', 'expected'),
    [
        ('a.jpg,ox|-dog|?cat\nb.jpg,cat\nc.jpg,\n', '', [[-1, 0, 1], [1, -1, -1], [-1] * 3]),
        ('a.jpg,ox|-dog|?cat\nb.jpg,cat\nc.jpg,\n', 'negative', [[-1, 0, 1], [1, 0, 0], [0] * 3]),
        ('a.jpg,ox|?cat\nb.jpg,dog\n', '', [[-1, 0, 1], [0, 1, 0]]),
        (
            'f,cat,dog,ox\na.jpg,-1,0,1\nb.jpg,1,,\nc.jpg,,,\n',
            '',
            [[-1, 0, 1], [1, -1, -1], [-1] * 3],
        ),
    ],
)
def test_three_states(csv, text, unlisted, expected):
    dataset = read(csv(text), unlisted=unlisted)
    assert dataset.metainfo['classes'] == ('cat', 'dog', 'ox')
    assert scores(dataset) == expected
    assert (dataset.unlisted if unlisted else '') in dataset.policy()


def test_columns_without_a_0_are_said(csv):
    """1 or nothing, 1 or -1: whoever means absent by them gets no negative label at all."""
    for text, words in (
        ('f,x,y\na.jpg,1,\nb.jpg,,1\n', ['2 empty cells are unknown', 'no cell is 0']),
        ('f,x,y\na.jpg,1,-1\nb.jpg,-1,1\n', ['no cell is 0']),
    ):
        dataset = read(csv(text))
        assert scores(dataset) == [[1, -1], [-1, 1]]
        assert [word for word in words if word not in ' '.join(dataset.notes)] == []
    assert 'no cell' not in ' '.join(read(csv('f,x,y\na.jpg,1,0\nb.jpg,0,1\n')).notes)


def test_one_image_under_two_names(csv, photo, tmp_path):
    """However a path is spelt, contradictory labels stop; through links they are said."""
    photo(tmp_path / 'sub/a b.jpg')
    for other in (f'sub{chr(92)}a b.jpg', 'sub/a%20b.jpg'):
        message = refused(csv(f'sub/a b.jpg,ox\n{other},dog\n'))
        assert 'different labels (ox; dog)' in message and 'line 2' in message
    composed, apart = (normalize(form, 'é.jpg') for form in ('NFC', 'NFD'))
    message = refused(csv(f'{apart},ox\n{composed},dog\n', names=[composed]))
    assert 'different labels (ox; dog)' in message
    photo(tmp_path / apart)  # now there are two images
    assert scores(read(csv(f'{apart},ox\n{composed},dog\n', names=[]))) == [[0, 1], [1, 0]]
    (tmp_path / 'link.jpg').symlink_to('a.jpg')
    (tmp_path / 'linked').symlink_to('sub')
    dataset = read(csv('a.jpg,ox\nlink.jpg,dog\nsub/a b.jpg,ox\nlinked/a b.jpg,ox\n'))
    (note,) = dataset.notes
    assert '1 images are listed under two names with different labels' in note
    assert 'a.jpg = ' in note and 'link.jpg' in note


def test_a_class_in_two_states(csv):
    message = refused(csv('a.jpg,ox|-dog\nb.jpg,cat|-cat|ox\n'))
    assert 'line 2' in message and 'two states: cat' in message and 'line 1' not in message


def test_marks_after_the_form_was_found_out(csv, monkeypatch):
    monkeypatch.setattr('mlgcn.datasets.csv_labels.PEEK', 2)
    path = csv('a.jpg,"[ox]"\nb.jpg,"[dog]"\nc.jpg,dog\n')
    assert 'line 3' in refused(path) and 'list' in refused(path)
    assert scores(read(csv('a.jpg,ox\nb.jpg,-ox|dog\n'))) == [[0, 1], [1, 0]]


def test_a_column_of_occasions_is_no_label(tmp_path):
    text = 'file,occasion,labels\na.jpg,dive 1,fish|shark\nb.jpg,dive 2,\n'
    (tmp_path / 'photos.csv').write_text(text)
    options = dict(check_images=False, data_prefix=str(tmp_path))
    photos = CsvMultiLabel(str(tmp_path / 'photos.csv'), group='occasion', **options)
    assert photos.metainfo['classes'] == ('fish', 'shark')
    paths = [photos.get_data_info(i)['img_path'] for i in range(2)]
    assert [photos.groups[path] for path in paths] == ['dive 1', 'dive 2']
    with pytest.raises(ValueError, match='no column place.*occasion'):
        CsvMultiLabel(str(tmp_path / 'photos.csv'), group='place', **options)
