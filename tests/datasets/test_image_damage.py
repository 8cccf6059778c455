"""Files of which a part is missing, though their decoders say nothing; and sound ones like them."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mlgcn.datasets.image_check import check_image, image_facts
from mlgcn.datasets.image_damage import ADAM7
from mlgcn.datasets.image_io import decode_fault, read_image


def same(path, picture):
    np.testing.assert_array_equal(read_image(path)[..., ::-1], picture.convert('RGB'))


def test_damaged_data_behind_a_sound_header(tmp_path, photo):
    """Decoders go on with grey and end without an error; the end marker is there."""
    whole = photo(tmp_path / 'a.jpg', quality=95).read_bytes()
    for mode in ('RGB', 'CMYK'):
        Image.open(tmp_path / 'a.jpg').convert(mode).save(tmp_path / f'{mode}.jpg', quality=95)
        whole = (tmp_path / f'{mode}.jpg').read_bytes()
        half = len(whole) // 2
        (tmp_path / 'short.jpg').write_bytes(whole[:half] + b'\xff\xd9')
        assert 'premature end' in decode_fault(tmp_path / 'short.jpg')
        zeros = whole[:half] + bytes(len(whole) - half - 2) + b'\xff\xd9'
        (tmp_path / 'zeros.jpg').write_bytes(zeros)
        assert 'orrupt JPEG data' in decode_fault(tmp_path / 'zeros.jpg')
        (tmp_path / 'ones.jpg').write_bytes(whole[:half] + b'\xff' * 200 + whole[half + 200 :])
        assert decode_fault(tmp_path / 'ones.jpg')  # no warning of libjpeg, but an error


def test_padding_of_a_jpeg_is_no_damage(tmp_path, photo):
    path = photo(tmp_path / 'a.jpg')
    expected, whole = read_image(path), path.read_bytes()
    path.write_bytes(whole[:-2] + bytes(9) + whole[-2:])
    np.testing.assert_array_equal(read_image(path), expected)


@pytest.mark.parametrize('suffix', ['webp', 'jp2'])
def test_zeros_at_the_end(tmp_path, suffix):
    noise = np.random.RandomState(0).randint(0, 256, (99, 99, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / f'a.{suffix}')
    whole = (tmp_path / f'a.{suffix}').read_bytes()
    (tmp_path / f'a.{suffix}').write_bytes(whole[:-999] + bytes(999))
    assert decode_fault(tmp_path / f'a.{suffix}')


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'webp', 'tif', 'bmp', 'ppm'])
def test_cut_short(tmp_path, photo, suffix):
    path = photo(tmp_path / f'a.{suffix}')
    whole = path.read_bytes()
    # a PNG's last bytes are checksums
    for length in (len(whole) // 2, len(whole) - (40 if suffix == 'png' else 1)):
        path.write_bytes(whole[:length])
        assert decode_fault(path)


@pytest.mark.parametrize('mode', ['RGB', 'RGBA', 'P', 'L', '1', 'I;16'])
def test_a_png_with_too_few_rows(tmp_path, mode):
    """Its compressed data and checksums are whole; a black edge is no fault."""
    values = np.zeros((9, 13), np.uint16 if mode == 'I;16' else np.uint8)
    values[:5] = 200
    image = Image.fromarray(values)
    image = image if mode == 'I;16' else image.convert(mode)
    image.save(tmp_path / 'a.png')
    assert decode_fault(tmp_path / 'a.png') == ''
    whole = (tmp_path / 'a.png').read_bytes()
    start = whole.index(b'IDAT')
    end = start + 4 + int.from_bytes(whole[start - 4 : start], 'big')
    rows = zlib.decompress(whole[start + 4 : end])
    short = chunk(b'IDAT', zlib.compress(rows[: len(rows) * 5 // 9]))
    (tmp_path / 'a.png').write_bytes(whole[: start - 4] + short + whole[end + 4 :])
    assert 'before the last row' in decode_fault(tmp_path / 'a.png')


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def test_an_interlaced_png_with_too_few_rows(tmp_path, photo):
    picture, rows = Image.open(photo(tmp_path / 'whole.png')), b''
    pixels = np.asarray(picture)
    for x, y, dx, dy in ADAM7:
        rows += b''.join(b'\0' + row.tobytes() for row in pixels[y::dy, x::dx])
    header = chunk(b'IHDR', struct.pack('>IIBBBBB', *picture.size, 8, 2, 0, 0, 1))
    for part in (rows, rows[:-145], rows[: -9 * 145]):  # a row of the last pass has 145 bytes
        data = chunk(b'IDAT', zlib.compress(part)) + chunk(b'IEND', b'')
        (tmp_path / 'a.png').write_bytes(b'\x89PNG\r\n\x1a\n' + header + data)
        if part is rows:
            same(tmp_path / 'a.png', picture)
        else:
            assert 'before the last row' in decode_fault(tmp_path / 'a.png')


@pytest.mark.parametrize('share', [0.3, 0.5, 0.75])
@pytest.mark.parametrize('suffix', ['png', 'bmp', 'ppm', 'tif'])
def test_a_file_of_which_the_rest_is_zeros(tmp_path, photo, suffix, share):
    path = photo(tmp_path / f'a.{suffix}')
    whole = path.read_bytes()
    start = int(len(whole) * share)
    path.write_bytes(whole[:start] + bytes(len(whole) - start))
    assert decode_fault(path)


@pytest.mark.parametrize('suffix', ['bmp', 'ppm', 'tif'])
def test_black_ground_and_borders_are_no_damage(tmp_path, photo, suffix):
    image = Image.open(photo(tmp_path / 'a.png')).convert('RGB')
    bordered = Image.new('RGB', (image.width, image.height + 20))
    bordered.paste(image, (0, 10))
    cutout = Image.new('RGB', image.size)
    disc = Image.new('1', image.size)
    ImageDraw.Draw(disc).ellipse((5, 5, image.width - 5, image.height - 9), fill=1)
    cutout.paste(image, mask=disc)
    for sound in (bordered, cutout, bordered.convert('L'), Image.new('RGB', image.size)):
        sound.save(tmp_path / f'b.{suffix}')
        same(tmp_path / f'b.{suffix}', sound)
        assert not check_image(str(tmp_path / f'b.{suffix}')).black


@pytest.mark.parametrize('suffix', ['bmp', 'ppm', 'pgm', 'tif'])
def test_zeros_between_two_rows_are_a_border_or_damage(tmp_path, photo, suffix):
    """Nobody can tell which; in the middle of a row, even of the last one, it is damage."""
    pixels = np.asarray(Image.open(photo(tmp_path / 'a.png')).convert('RGB')).clip(1)
    pixels = pixels[..., 0] if suffix == 'pgm' else pixels
    path = str(tmp_path / f'a.{suffix}')
    for row, column in ((20, 0), (20, 30), (31, 30)):
        lost = pixels.reshape(32 * 48, -1).copy()
        lost[48 * row + column :] = 0
        lost = lost.reshape(pixels.shape)
        # the first row in a BMP is the lowest
        Image.fromarray(lost[::-1] if suffix == 'bmp' else lost).save(path)
        verdict, facts = check_image(path), image_facts(path)
        assert verdict.black == facts.is_black == (column == 0)
        assert ('middle of a row' in verdict.fault) == (column > 0)
        assert verdict.fault == facts.fault


@pytest.mark.parametrize('mode', ['RGB', 'L', 'CMYK'])
def test_a_progressive_jpeg_of_which_scans_are_missing(tmp_path, photo, mode):
    """libjpeg says nothing; the picture is blurred. The EXIF thumbnail's scans do not count."""
    Image.open(photo(tmp_path / 'b.jpg')).convert(mode).save(
        tmp_path / 'a.jpg', progressive=True, comment=b'\xff\xda\0\0\xff\xd9'
    )
    whole = (tmp_path / 'a.jpg').read_bytes()
    assert check_image(str(tmp_path / 'a.jpg')).fault == decode_fault(tmp_path / 'a.jpg') == ''
    scans = [i for i in range(len(whole)) if whole[i : i + 2] == b'\xff\xda'][2:]
    for start in scans:
        (tmp_path / 'a.jpg').write_bytes(whole[:start] + b'\xff\xd9')
        assert 'last scans are missing' in decode_fault(tmp_path / 'a.jpg')
        assert 'last scans are missing' in check_image(str(tmp_path / 'a.jpg')).fault


def test_a_progressive_jpeg_that_ends_anywhere(tmp_path, photo):
    """In the tables between two scans libjpeg gives up, and hands over noise."""
    path = photo(tmp_path / 'a.jpg', progressive=True)
    whole = path.read_bytes()
    table = whole.rindex(b'\xff\xc4')
    for end in (table, table + 3, table + 9, whole.rindex(b'\xff\xda') + 5, len(whole) - 2):
        path.write_bytes(whole[:end])
        assert decode_fault(path), end
