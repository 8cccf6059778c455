import os

import pytest

from mlgcn.datasets import image_check
from mlgcn.datasets.image_check import absent_files, check_image, check_images


def image_fault(path) -> str:
    return check_image(path).fault


@pytest.mark.parametrize('kind', ['jpg', 'png', 'bmp', 'webp', 'gif', 'tif'])
def test_sound_and_cut_short(tmp_path, photo, kind):
    path = photo(tmp_path / f'a.{kind}')
    assert image_fault(str(path)) == ''
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert image_fault(str(path)) != ''


@pytest.mark.parametrize('kind', ['jpg', 'png'])
def test_sound_files_are_not_decoded(tmp_path, photo, kind, monkeypatch):
    path = photo(tmp_path / f'a.{kind}')
    decoded = []
    monkeypatch.setattr(image_check, 'decode_fault', lambda *args: decoded.append(args) or '')
    assert image_fault(str(path)) == ''
    assert not decoded
    path.write_bytes(path.read_bytes() + b'more')
    assert image_fault(str(path)) == ''
    assert decoded


@pytest.mark.parametrize('kind', ['jpg', 'png'])
def test_extra_bytes_behind_the_end_are_fine(tmp_path, photo, kind):
    path = photo(tmp_path / f'a.{kind}')
    path.write_bytes(path.read_bytes() + bytes(50))
    assert image_fault(str(path)) == ''


@pytest.mark.parametrize('lost', [1, 2, 30])
def test_the_last_bytes_of_a_jpeg_missing(tmp_path, photo, lost):
    path = photo(tmp_path / 'a.jpg')
    path.write_bytes(path.read_bytes()[:-lost])
    assert 'premature end' in image_fault(str(path)).lower()


def test_faults_come_in_order(tmp_path, photo):
    paths = [str(photo(tmp_path / f'{i:03d}.jpg')) for i in range(200)]
    for i in (150, 3, 77):
        with open(paths[i], 'w') as file:
            file.write('?')
    assert list(check_images(paths)) == [paths[3], paths[77], paths[150]]
    assert check_images(paths)[paths[3]].fault == 'not an image'


def test_absent_files_asks_each_folder_once(tmp_path, photo, monkeypatch):
    here = [str(photo(tmp_path / f'{i}/{j}.jpg')) for i in range(2) for j in range(5)]
    gone = [str(tmp_path / '1/x.jpg'), str(tmp_path / 'no_folder/0.jpg')]
    listed = []
    listdir = os.listdir
    monkeypatch.setattr(os, 'listdir', lambda path: listed.append(path) or listdir(path))
    assert absent_files([here[0], gone[0], *here, gone[1]]) == gone
    assert len(listed) == 2


def test_absent_files_of_the_current_folder(tmp_path, photo, monkeypatch):
    photo(tmp_path / 'a.jpg')
    monkeypatch.chdir(tmp_path)
    assert absent_files(['a.jpg', 'b.jpg']) == ['b.jpg']
