"""Every kind of image file is decoded rightly or refused by name."""

import os
import struct
import zlib

import cv2
import mmcv
import numpy as np
import pytest
from PIL import Image, ImageDraw

from mlgcn.datasets.image_io import BACKGROUND, BadImage, read_image
from mlgcn.datasets.transforms.load_image import LoadImage

SIZE = (40, 28)


UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@pytest.fixture
def picture():
    """A gradient with a disc: smooth, so that JPEG changes little, and unlike its mirror images."""
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    picture = Image.fromarray(np.stack([x * 6, y * 9, 255 - x * 3 - y * 3], -1).astype(np.uint8))
    ImageDraw.Draw(picture).ellipse((4, 3, 14, 13), fill=(250, 200, 40))
    return picture


def read(path, **options) -> np.ndarray:
    """RGB, (H, W, 3)."""
    pixels = read_image(str(path), **options)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable
    return pixels[..., ::-1]


def same(path, picture, tolerance=0):
    difference = read(path).astype(int) - np.asarray(picture.convert('RGB'))
    assert abs(difference).max() <= tolerance


def fault(path, **options) -> str:
    with pytest.raises(BadImage) as caught:
        read_image(str(path), **options)
    assert str(caught.value) == f'{path}: {caught.value.fault}'
    return caught.value.fault


@pytest.mark.parametrize('subsampling', [0, 1, 2])
@pytest.mark.parametrize('progressive', [False, True])
def test_plain_jpegs_are_as_both_of_mmcvs_readers_have_them(
    tmp_path, picture, subsampling, progressive
):
    path = tmp_path / 'a.jpg'
    picture.save(path, subsampling=subsampling, progressive=progressive, quality=80)
    for backend in ('cv2', 'pillow'):
        np.testing.assert_array_equal(read_image(str(path)), mmcv.imread(path, backend=backend))


@pytest.mark.parametrize('suffix', ['png', 'bmp', 'tif', 'ppm', 'jp2'])
def test_lossless_formats(tmp_path, picture, suffix):
    picture.save(tmp_path / f'a.{suffix}')
    same(tmp_path / f'a.{suffix}', picture)


def test_the_content_tells_the_format(tmp_path, picture):
    picture.save(tmp_path / 'a.jpg', 'PNG')
    same(tmp_path / 'a.jpg', picture)


@pytest.mark.parametrize('name', ['sp ace.jpg', 'grün 写真.png', 'quo\'te".png'])
def test_names(tmp_path, picture, name):
    picture.save(tmp_path / name, quality=95, subsampling=0)
    same(tmp_path / name, picture, tolerance=40)


@pytest.mark.parametrize('suffix', ['jpg', 'png'])
def test_grey(tmp_path, picture, suffix):
    path = tmp_path / f'a.{suffix}'
    picture.convert('L').save(path)
    same(path, Image.open(path))
    assert np.ptp(read(path), axis=-1).max() == 0


@pytest.mark.parametrize('suffix', ['png', 'tif', 'pgm'])
def test_16_bit_grey_keeps_its_upper_8(tmp_path, picture, suffix):
    grey = picture.convert('L')
    deep = (np.asarray(grey).astype(np.uint16) << 8) + 255
    Image.fromarray(deep).save(tmp_path / f'a.{suffix}')
    same(tmp_path / f'a.{suffix}', grey)


@pytest.mark.parametrize('suffix', ['png', 'tif'])
def test_16_bit_colour_keeps_its_upper_8(tmp_path, picture, suffix):
    deep = (np.asarray(picture).astype(np.uint16) << 8) + 99
    cv2.imwrite(str(tmp_path / f'a.{suffix}'), deep[..., ::-1])
    same(tmp_path / f'a.{suffix}', picture)


@pytest.mark.parametrize('suffix', ['png', 'tif'])
@pytest.mark.parametrize('colour', [False, True])
def test_a_value_range_for_sensors_with_fewer_bits(tmp_path, suffix, colour):
    path, values = tmp_path / f'a.{suffix}', np.array([[0, 100, 2100, 4095, 5000]], np.uint16)
    values = np.stack([values, values // 2, values * 0], -1) if colour else values
    cv2.imwrite(str(path), values[..., ::-1] if colour else values)
    pixels = read(path, value_range=(100, 4095))
    expected = np.rint((values.astype(float) - 100).clip(0, 3995) * 255 / 3995)
    np.testing.assert_array_equal(pixels, expected if colour else expected[..., None].repeat(3, -1))


def test_a_value_range_turns_with_the_image_and_leaves_8_bits_alone(tmp_path, picture):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.uint16([[0, 4095]])).save(tmp_path / 'a.png', exif=exif)
    assert read(tmp_path / 'a.png', value_range=(0, 4095))[..., 0].tolist() == [[0], [255]]
    picture.save(tmp_path / 'b.png')
    np.testing.assert_array_equal(read(tmp_path / 'b.png', value_range=(0, 9)), picture)


def test_32_bit_grey_with_a_value_range(tmp_path):
    Image.fromarray(np.float32([[0, 0.5, 2]])).save(tmp_path / 'a.tif')
    assert read(tmp_path / 'a.tif', value_range=(0, 1))[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize('mode', ['F', 'I'])
def test_32_bit_grey_is_refused(tmp_path, picture, mode):
    picture.convert(mode).save(tmp_path / 'a.tif')
    assert '32-bit grey' in fault(tmp_path / 'a.tif')


def test_cmyk(tmp_path, picture):
    """Pillow writes JPEGs as Adobe does, inverted; read the other way round they'd be negatives."""
    for name in ('a.jpg', 'a.tif'):
        picture.convert('CMYK').save(tmp_path / name, quality=95)
    same(tmp_path / 'a.tif', picture)
    difference = read(tmp_path / 'a.jpg').astype(int) - np.asarray(picture)
    assert abs(difference).mean() < 6


def test_transparent_parts_lie_on_the_background(tmp_path, picture):
    alpha = Image.new('L', SIZE, 255)
    alpha.paste(0, (0, 0, 20, 28))
    expected = picture.copy()
    expected.paste(BACKGROUND, (0, 0, 20, 28))
    picture.putalpha(alpha)
    for name in ('a.png', 'a.tif'):
        picture.save(tmp_path / name)
        same(tmp_path / name, expected)


def test_grey_with_alpha(tmp_path, picture):
    grey = picture.convert('L')
    Image.merge('LA', (grey, Image.new('L', SIZE, 255))).save(tmp_path / 'opaque.png')
    Image.merge('LA', (grey, Image.new('L', SIZE, 0))).save(tmp_path / 'clear.png')
    same(tmp_path / 'opaque.png', grey)
    same(tmp_path / 'clear.png', Image.new('RGB', SIZE, BACKGROUND))


@pytest.mark.parametrize('suffix', ['png', 'gif'])
def test_palette_with_and_without_a_transparent_colour(tmp_path, suffix):
    palette = Image.new('P', (4, 2))
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.putdata([0, 1, 2, 1] * 2)
    palette.save(tmp_path / f'a.{suffix}')
    palette.save(tmp_path / f'b.{suffix}', transparency=1)
    red, green, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    assert [tuple(p) for p in read(tmp_path / f'a.{suffix}')[0]] == [red, green, blue, green]
    hole = [tuple(p) for p in read(tmp_path / f'b.{suffix}')[0]]
    assert hole == [red, BACKGROUND, blue, BACKGROUND]


@pytest.mark.parametrize('suffix', ['png', 'webp', 'tif', 'jpg'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_turns(tmp_path, picture, suffix, orientation):
    path = tmp_path / f'a.{suffix}'
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {'lossless': True} if suffix == 'webp' else {}
    picture.save(path, exif=exif, **options)
    if suffix == 'jpg':
        picture.save(tmp_path / 'plain.jpg')
        picture = Image.open(tmp_path / 'plain.jpg')
    upright = picture.transpose(UPRIGHT[orientation]) if orientation > 1 else picture
    assert read(path).shape == (upright.height, upright.width, 3)
    same(path, upright)


def test_what_the_exif_turns_mean(tmp_path):
    """Value 6, a phone held upright: the stored left edge is the bottom, the top the right."""
    stored = Image.new('RGB', (20, 10), 'white')
    stored.paste((255, 0, 0), (0, 0, 4, 10))
    exif = Image.Exif()
    exif[0x0112] = 6
    stored.save(tmp_path / 'a.png', exif=exif)
    pixels = read(tmp_path / 'a.png')
    assert pixels.shape == (20, 10, 3)
    assert (pixels[:4] == (255, 0, 0)).all()
    assert (pixels[4:] == 255).all()


def test_a_turn_beside_a_tag_that_cannot_be_written_again(tmp_path, picture, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 3
    picture.save(tmp_path / 'a.png', exif=exif)
    monkeypatch.setattr(Image.Exif, 'tobytes', lambda *_: 1 / 0)
    same(tmp_path / 'a.png', picture.rotate(180))


def test_broken_exif_does_not_matter(tmp_path, picture):
    picture.save(tmp_path / 'a.jpg', exif=b'Exif\0\0II*\0' + bytes(range(9)))
    picture.save(tmp_path / 'b.jpg')
    same(tmp_path / 'a.jpg', Image.open(tmp_path / 'b.jpg'))


@pytest.mark.parametrize('suffix', ['gif', 'webp', 'png', 'tif'])
def test_the_first_frame(tmp_path, picture, suffix):
    first = picture.convert('P', palette=Image.Palette.ADAPTIVE) if suffix == 'gif' else picture
    options = {'lossless': True} if suffix == 'webp' else {}
    others = [first.rotate(90), first.rotate(180)]
    first.save(tmp_path / f'a.{suffix}', save_all=True, append_images=others, **options)
    same(tmp_path / f'a.{suffix}', first)


def test_not_images(tmp_path, picture):
    (tmp_path / 'empty.jpg').touch()
    (tmp_path / 'text.jpg').write_text('no picture')
    (tmp_path / 'folder.jpg').mkdir()
    os.mkfifo(tmp_path / 'pipe.jpg')
    # Pillow would hand this to Ghostscript
    (tmp_path / 'program.jpg').write_text('%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n')
    assert fault(tmp_path / 'empty.jpg') == 'empty file'
    assert fault(tmp_path / 'text.jpg') == 'not an image'
    assert fault(tmp_path / 'folder.jpg') == 'a folder'
    assert fault(tmp_path / 'pipe.jpg') == 'not a regular file'
    assert fault(tmp_path / 'program.jpg') == 'PostScript: export it as PNG'
    assert fault(tmp_path / 'nothing.jpg') == 'No such file'


def test_links(tmp_path, picture):
    picture.save(tmp_path / 'a.png')
    (tmp_path / 'good.png').symlink_to('a.png')
    (tmp_path / 'bad.png').symlink_to('gone.png')
    (tmp_path / 'loop.png').symlink_to('loop.png')
    same(tmp_path / 'good.png', picture)
    assert fault(tmp_path / 'bad.png') == 'a link to gone.png, which is not there'
    assert 'symbolic links' in fault(tmp_path / 'loop.png')


def test_bombs_are_refused_before_they_are_decoded(tmp_path, picture):
    Image.new('1', (10_000, 10_000)).save(tmp_path / 'a.png')
    assert '100,000,000 pixels, more than max_pixels=89,478,485' in fault(tmp_path / 'a.png')
    header = bytearray((tmp_path / 'a.png').read_bytes())
    header[16:24] = struct.pack('>II', 60_000, 60_000)
    header[29:33] = struct.pack('>I', zlib.crc32(bytes(header[12:29])))
    (tmp_path / 'b.png').write_bytes(header)
    assert '3600000000 pixels' in fault(tmp_path / 'b.png')
    picture.save(tmp_path / 'c.png')
    assert '40 x 28 = 1,120 pixels' in fault(tmp_path / 'c.png', max_pixels=1119)
    same(tmp_path / 'c.png', picture)


def test_a_crop(tmp_path, picture):
    picture.save(tmp_path / 'a.png')
    sample = {'img_path': str(tmp_path / 'a.png'), 'crop': (-3.0, 4.4, 10.6, 99.0)}
    results = LoadImage().transform(dict(sample))
    np.testing.assert_array_equal(results['img'][..., ::-1], np.asarray(picture)[4:, :11])
    assert results['img_shape'] == (24, 11)
    with pytest.raises(BadImage, match=r'a\.png.*crop.*40 x 28'):
        LoadImage().transform({**sample, 'crop': (41.0, 0.0, 50.0, 9.0)})
