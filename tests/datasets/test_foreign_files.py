"""Files that are no images for us are named, with what would help."""

import pytest

from mlgcn.datasets import image_io
from mlgcn.datasets.foreign_files import is_system_file
from mlgcn.datasets.image_io import decode_fault


@pytest.mark.parametrize(
    ('name', 'content', 'words'),
    [
        ('a.HEIC', b'\0\0\0\x18ftypheic\0\0\0\0mif1heic', ['HEIC', 'pillow-heif', 'JPEG']),
        ('a.jpg', b'\0\0\0\x18ftypmif1', ['HEIC']),
        ('a.CR2', b'II*\0\x10\0\0\0CR\2\0', ['raw', 'convert']),
        ('a.nef', b'II*\0\x08\0\0\0', ['raw']),
        ('a.psd', b'8BPS\0\1', ['Photoshop']),
        ('a.jxl', b'\xff\x0a', ['JPEG XL']),
        ('a.jxl', b'\0\0\0\x0cJXL \r\n', ['JPEG XL']),
        ('a.jpg', b'%PDF-1.4', ['PDF']),
        ('a.jpg', b'<!DOCTYPE html><html>', ['web page']),
        ('a.svg', b'<?xml version="1.0"?>\n<svg>', ['SVG']),
        ('a.jpg', b'version https://git-lfs.github.com/spec/v1\n', ['git lfs pull']),
    ],
)
def test_other_files_are_named_with_what_would_help(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content + bytes(99))
    for word in words:
        assert word in decode_fault(str(tmp_path / name))


def test_a_damaged_file_of_a_readable_kind_needs_no_other_pillow(tmp_path):
    (tmp_path / 'a.avif').write_bytes(b'\0\0\0\x18ftypavif' + bytes(99))
    expected = 'damaged' if 'AVIF' in image_io.FORMATS else 'newer Pillow'
    assert expected in decode_fault(str(tmp_path / 'a.avif'))


@pytest.mark.parametrize('name', ['._a.jpg', 'Thumbs.db', '.DS_Store', '@eaDir'])
def test_files_of_systems(name):
    assert is_system_file(name)
    assert not is_system_file(f'a{name}')
