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
        ('a.jpg,dog\nb.jpg,cat\n a.jpg,dog\n', ['line 3', "'a.jpg'", 'line 1']),
        ('a.jpg,dog\nb.jpg,cat,dog\n', ['line 2', "['b.jpg', 'cat', 'dog']", 'label1|label2']),
        ('a.jpg dog\n', ['line 1', "['a.jpg dog']"]),
        ('a.jpg,dog\n,cat\n', ['line 2', "['', 'cat']"]),
        ('a.jpg,"dog\n', ['unexpected end']),
        (b'a.jpg,\xe9t\xe9\n', ['UTF-8']),
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
