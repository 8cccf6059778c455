import os
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
from PIL import Image

from mlgcn.datasets import image_check
from mlgcn.datasets.image_check import check_image, check_images, locate, used_bits


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
    monkeypatch.setattr(image_check, 'decode_fault', lambda *args, **_: decoded.append(args) or '')
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


def test_absent_files_and_each_folder_listed_once(tmp_path, photo, monkeypatch):
    here = [str(photo(tmp_path / f'{i}/{j}.jpg')) for i in range(2) for j in range(5)]
    gone = [str(tmp_path / '1/x.jpg'), str(tmp_path / 'no_folder/0.jpg')]
    listed = []
    scandir = os.scandir
    monkeypatch.setattr(os, 'scandir', lambda path: listed.append(path) or scandir(path))
    assert locate([here[0], gone[0], *here, gone[1]]) == ({}, gone, [])
    assert len(listed) == 2


def test_absent_files_of_the_current_folder(tmp_path, photo, monkeypatch):
    photo(tmp_path / 'a.jpg')
    monkeypatch.chdir(tmp_path)
    assert locate(['a.jpg', 'b.jpg', 'a']) == ({}, ['b.jpg', 'a (there is a.jpg)'], [])


@pytest.mark.parametrize(
    'listed', ['sub{}a b.jpg', 'sub/a%20b.jpg', 'sub%2Fa%20b.jpg', 'x/../sub/a b.jpg']
)
def test_paths_of_other_systems(tmp_path, photo, listed):
    path = str(photo(tmp_path / 'sub/a b.jpg'))
    listed = f'{tmp_path}/{listed.format(chr(92))}'
    found, absent, _ = locate([listed])
    assert absent == []
    assert os.path.samefile(found[listed], path)


@pytest.mark.parametrize('forms', [('NFC', 'NFD'), ('NFD', 'NFC')])
def test_unicode_forms_of_names_and_folders(tmp_path, photo, forms):
    on_disk, listed = (str(tmp_path / normalize(form, 'été/café.jpg')) for form in forms)
    photo(Path(on_disk))
    assert locate([listed]) == ({listed: on_disk}, [], [])


def test_a_hint_for_backslashes(tmp_path):
    listed = f'{tmp_path}/C:{chr(92)}data{chr(92)}a.jpg'
    assert 'backslashes' in locate([listed])[1][0]


@pytest.mark.parametrize('end', [b'', b'\xff\xd9'])
def test_zeros_at_the_end_are_suspicious(tmp_path, photo, end):
    path = photo(tmp_path / 'a.jpg', quality=95)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) // 2) + end)
    assert image_fault(str(path))


def test_a_jpeg_with_few_bytes_for_its_list_is_decoded(tmp_path, photo):
    """Cut short, with an end mark; a plain picture that is small for another reason is sound."""
    paths = [str(photo(tmp_path / f'{i}.jpg', i, quality=95)) for i in range(5)]
    Image.new('RGB', (48, 32)).save(tmp_path / 'plain.jpg')
    whole = Path(paths[3]).read_bytes()
    Path(paths[3]).write_bytes(whole[: len(whole) // 3] + b'\xff\xd9')
    assert list(check_images([*paths, str(tmp_path / 'plain.jpg')])) == [paths[3]]


def test_a_png_whose_data_are_damaged(tmp_path, photo):
    path = photo(tmp_path / 'a.png')
    whole = path.read_bytes()
    path.write_bytes(whole[:99] + bytes(9) + whole[108:])
    assert image_fault(str(path))


@pytest.mark.parametrize('suffix', ['png', 'tif'])
def test_bits_of_deep_images(tmp_path, suffix):
    paths = [str(tmp_path / f'{i}.{suffix}') for i in range(3)]
    for path, most in zip(paths, (9, 4095, 100)):
        Image.fromarray(np.full((8, 8), most, np.uint16)).save(path)
    assert [verdict.deep for verdict in check_images(paths).values()] == [True] * 3
    assert used_bits(paths) == 12


def test_short_lists_print_nothing(tmp_path, photo, capfd):
    photo(tmp_path / 'a.jpg')
    assert not check_images([str(tmp_path / 'a.jpg')])
    assert ''.join(capfd.readouterr()) == ''
