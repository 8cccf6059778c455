"""Files, folders and globs."""

import errno
import os

import pytest

from mlgcn.apis.inputs import ImageFile, list_images, read_image_list


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in ('b/2.PNG', 'b/1.jpg', 'b/notes.txt', 'b/c/1.jpg', 'a.webp', 'odd [1].jpg'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / 'empty').mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folder_tree(tree):
    below = [ImageFile('b/1.jpg', '1.jpg'), ImageFile('b/2.PNG', '2.PNG')]
    below.append(ImageFile('b/c/1.jpg', os.path.join('c', '1.jpg')))
    assert list_images(['b']) == below
    assert list_images(['b', 'a.webp']) == [*below, ImageFile('a.webp', 'a.webp')]


def test_globs_and_names_that_look_like_them(tree):
    assert [file.path for file in list_images(['b/*.jpg'])] == ['b/1.jpg']
    assert [file.path for file in list_images(['b/**/*.jpg'])] == ['b/1.jpg', 'b/c/1.jpg']
    assert [file.path for file in list_images(['odd [1].jpg'])] == ['odd [1].jpg']
    assert [file.path for file in list_images(['b/notes.txt'])] == ['b/notes.txt']  # asked for


@pytest.mark.parametrize(
    'argument, words',
    [
        ('nowhere', 'nowhere: no such file or folder'),
        ('empty', 'empty: no image in this folder'),
        ('b/*.gif', 'no file fits'),
    ],
)
def test_nothing_there(tree, argument, words):
    with pytest.raises(FileNotFoundError, match=words):
        list_images(['a.webp', argument])


def test_list_of_paths():
    lines = iter(['x/1.jpg\n', '\n', 'a b.png\r\n', ' kept.jpg'])
    assert list(read_image_list(lines)) == [
        ImageFile('x/1.jpg', '1.jpg'),
        ImageFile('a b.png', 'a b.png'),
        ImageFile(' kept.jpg', ' kept.jpg'),
    ]


@pytest.fixture
def linked_folder(tmp_path):
    for name in ('own/1.jpg', 'own/deep/2.PNG', 'disk2/3.jpg', 'own/._1.jpg', 'own/.DS_Store',
                 'own/@eaDir/1.jpg', 'own/notes.txt', 'own/no_ending', 'own/IMG.HEIC'):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / 'own/linked').symlink_to('../disk2')
    (tmp_path / 'own/loop').symlink_to('..')
    return tmp_path / 'own'


def test_a_folder_that_may_not_be_listed_is_named(linked_folder, monkeypatch):
    scandir = os.scandir
    (linked_folder / 'closed').mkdir()
    closed = str(linked_folder / 'closed')

    def refuse(path):
        if path == closed:
            raise PermissionError(errno.EACCES, 'Permission denied', path)
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    with pytest.raises(PermissionError, match='closed'):
        list_images([str(linked_folder)])


def test_links_are_followed_without_loops(linked_folder, capsys):
    names = [image.name for image in list_images([str(linked_folder)])]
    assert names == ['1.jpg', 'IMG.HEIC', 'deep/2.PNG', 'linked/3.jpg']
    error = capsys.readouterr().err
    for word in ('2 files passed over', '1 .txt', '1 none'):
        assert word in error
