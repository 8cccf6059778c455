"""Files are checked at the start, and errors later name the image."""

import os

import numpy as np
import pytest
from labels_csv import PIPELINE, read, refused
from mmengine.logging import MMLogger
from PIL import Image

from mlgcn.datasets import CsvMultiLabel


def damage(folder):
    """Empty 03, cut 05 short, make 07 a text."""
    (folder / 'photos/03.jpg').write_bytes(b'')
    whole = (folder / 'photos/05.jpg').read_bytes()
    (folder / 'photos/05.jpg').write_bytes(whole[: len(whole) // 2])
    (folder / 'photos/07.jpg').write_text('not a picture')


def test_absent_images_are_counted_and_named(folder):
    for i in (2, 11):
        (folder / f'photos/{i:02d}.jpg').unlink()
    message = refused(folder, FileNotFoundError)
    for word in ('2 of 12', '02.jpg', '11.jpg', str(folder / 'photos')):
        assert word in message
    assert '03.jpg' not in message
    assert '2 of 12' in refused(folder, FileNotFoundError, bad_images='skip')


def test_only_the_first_ten_are_named(folder):
    for name in os.listdir(folder / 'photos'):
        (folder / 'photos' / name).unlink()
    message = refused(folder, FileNotFoundError)
    for word in ('12 of 12', '00.jpg', '09.jpg', '2 more'):
        assert word in message
    assert '10.jpg' not in message


def test_unreadable_images_stop(folder):
    damage(folder)
    message = refused(folder)
    for word in (
        '3 of 12',
        '03.jpg (empty file)',
        '05.jpg (',
        'remature end',
        '07.jpg (not an image)',
    ):
        assert word in message
    assert "bad_images='skip'" in message


def test_unreadable_images_are_skipped_and_listed(folder, caplog):
    damage(folder)
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    dataset = read(folder, bad_images='skip')
    logger.removeHandler(caplog.handler)
    paths = [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
    assert [os.path.basename(p)[:2] for p in paths] == [
        *('00', '01', '02', '04', '06', '08', '09', '10', '11')
    ]
    for word in ('3 of 12', '03.jpg (empty file)', '05.jpg', '07.jpg (not an image)'):
        assert word in caplog.text


def test_nothing_left_to_skip_to(folder):
    for path in (folder / 'photos').iterdir():
        path.write_bytes(b'')
    assert '12 of 12' in refused(folder, bad_images='skip')


def test_the_check_can_be_left_out(folder):
    damage(folder)
    assert len(read(folder, check_images=False)) == 12


def test_mistyped_option(folder):
    assert "'skip'" in refused(folder, bad_images='drop')


def test_an_image_that_breaks_later_is_named(folder):
    dataset = read(folder, pipeline=PIPELINE)
    damage(folder)
    with pytest.raises(
        OSError, match=r'03\.jpg: this image can no longer be read: empty'
    ) as caught:
        dataset[3]
    assert len(caught.value.args) == 1  # so that a loader's worker can hand it on


def test_an_image_that_vanishes_later_is_named(folder):
    dataset = read(folder, pipeline=PIPELINE)
    (folder / 'photos/04.jpg').unlink()
    with pytest.raises(OSError, match=r'04\.jpg.*No such file'):
        dataset[4]


@pytest.mark.parametrize(
    'load', [PIPELINE[0], {'type': 'mlgcn.LoadImage'}], ids=lambda x: x['type']
)
def test_under_skip_the_next_image_stands_in(folder, load):
    dataset = read(folder, pipeline=[load, PIPELINE[1]], bad_images='skip')
    damage(folder)
    (folder / 'photos/04.jpg').unlink()
    (folder / 'photos/11.jpg').unlink()
    sample = dataset[3]['data_samples']
    assert sample.img_path.endswith('06.jpg')
    assert sample.sample_idx == 6
    missing = {os.path.basename(path): fault for path, fault in sample.skipped.items()}
    assert list(missing) == ['03.jpg', '04.jpg', '05.jpg']
    assert missing['03.jpg'] == 'empty file'
    assert missing['04.jpg'] == 'No such file'
    assert 'remature end' in missing['05.jpg']
    assert dataset[11]['data_samples'].sample_idx == 0
    assert 'skipped' not in dataset[6]['data_samples']


def test_under_skip_with_nothing_left(folder):
    dataset = read(folder, pipeline=PIPELINE, bad_images='skip')
    for path in (folder / 'photos').iterdir():
        path.unlink()
    with pytest.raises(OSError, match=r'no image can be read any more: .*03\.jpg'):
        dataset[3]


def test_the_pipelines_limit_holds_at_the_start(folder):
    """The photographs have 48 x 32 = 1,536 pixels."""
    small = [{'type': 'mlgcn.LoadImage', 'max_pixels': 1535}, *PIPELINE[1:]]
    message = refused(folder, pipeline=small)
    assert '12 of 12' in message
    assert '48 x 32 = 1,536 pixels, more than max_pixels=1,535' in message
    assert len(read(folder, pipeline=[{**small[0], 'max_pixels': 1536}, *PIPELINE[1:]])) == 12


def test_animated_images_are_named(folder, caplog):
    photo = Image.open(folder / 'photos/02.jpg')
    photo.save(folder / 'photos/02.jpg', 'GIF', save_all=True, append_images=[photo.rotate(90)])
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    caplog.set_level('INFO')
    dataset = read(folder, pipeline=PIPELINE)
    logger.removeHandler(caplog.handler)
    assert len(dataset) == 12
    assert '1 images are animated or have pages; the first one is used' in caplog.text
    assert '02.jpg' in caplog.text


def test_deep_images_that_use_few_bits_are_said(folder, caplog):
    for i in range(12):
        deep = np.full((9, 9), 4000 + i, np.uint16)
        Image.fromarray(deep).save(folder / f'photos/{i:02d}.jpg', 'PNG')
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    read(folder, pipeline=[{'type': 'mlgcn.LoadImage', 'value_range': (0, 4095)}, PIPELINE[1]])
    assert 'value_range' not in caplog.text
    read(folder)
    logger.removeHandler(caplog.handler)
    for word in ('12 images', 'value_range=(0, 4095)', '00.jpg'):
        assert word in caplog.text


def test_a_link_to_nothing_is_named(folder):
    (folder / 'photos/02.jpg').unlink()
    (folder / 'photos/02.jpg').symlink_to('gone.jpg')
    assert '02.jpg (a link to gone.jpg, which is not there)' in refused(folder)
    assert len(read(folder, bad_images='skip')) == 11


def test_an_image_that_breaks_inside_later_is_named(folder, photo):
    """Its header and end are whole."""
    picture = photo(folder / 'a.png')
    whole = picture.read_bytes()
    dataset = read(folder, pipeline=PIPELINE)
    (folder / 'photos/04.jpg').write_bytes(whole[:200] + bytes(200) + whole[400:])
    assert '1 of 12' in refused(folder)
    with pytest.raises(OSError, match=r'04\.jpg: this image can no longer be read'):
        dataset[4]


def test_mmcvs_loader_is_replaced(folder):
    """It would take a JPEG that is cut in half and has a false end marker for whole."""
    dataset = read(folder, pipeline=PIPELINE)
    whole = (folder / 'photos/04.jpg').read_bytes()
    (folder / 'photos/04.jpg').write_bytes(whole[: len(whole) // 2] + b'\xff\xd9')
    with pytest.raises(OSError, match=r'04\.jpg: this image can no longer be read'):
        dataset[4]
    grey = {'type': 'LoadImageFromFile', 'color_type': 'grayscale'}
    assert 'mlgcn.LoadImage' in refused(folder, pipeline=[grey])


def test_an_error_in_a_transform_stays_what_it_is(folder):
    dataset = read(folder, pipeline=[PIPELINE[0], {'type': 'Resize', 'scale': (-1, 5)}])
    with pytest.raises(Exception) as caught:
        dataset[4]
    assert not isinstance(caught.value, OSError)


def test_a_sample_of_the_images_is_checked(folder, caplog):
    damage(folder)  # 03, 05, 07
    MMLogger.get_current_instance().addHandler(caplog.handler)
    assert len(read(folder, check_images=3)) == 12  # 00, 04, 08
    assert '3 of 12 images are checked' in caplog.text
    message = refused(folder, check_images=4)  # 00, 03, 06, 09
    assert '1 of 4' in message and '03.jpg' in message and '05.jpg' not in message
    (folder / 'photos/08.jpg').unlink()
    assert '08.jpg' in refused(folder, FileNotFoundError, check_images=3)


def test_other_spellings_of_a_sample_hold_for_all_images(folder):
    lines = ''.join(f'photos\\{i:02d}.jpg,dog\n' for i in range(12))
    (folder / 'labels.csv').write_text(lines)
    dataset = CsvMultiLabel('labels.csv', data_root=str(folder), check_images=2)
    assert all(os.path.isfile(dataset.get_data_info(i)['img_path']) for i in range(12))
