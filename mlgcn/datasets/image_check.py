"""Are the listed images there, and are they whole? Asked once, before training starts.

What is read of a sound JPEG or PNG is its header and its last bytes: 10,000 images/s on one core
with the files in the page cache, against 1,300/s for decoding them (3,388 files of 320 pixels).
The threads hide the waiting of a disk or a network folder.
"""

import os
from collections.abc import Iterable, Sequence

from mmengine.dist import is_main_process
from PIL import Image
from tqdm.contrib.concurrent import thread_map

# The bytes that a whole file of this format ends with.
END_MARKS = {'JPEG': b'\xff\xd9', 'PNG': b'IEND\xaeB`\x82'}


def absent_files(paths: Iterable[str]) -> list[str]:
    """The paths at which no file lies, in order. Each folder is listed once."""
    listings: dict[str, set[str]] = {}
    absent = []
    for path in paths:
        folder, name = os.path.split(path)
        if folder not in listings:
            is_folder = os.path.isdir(folder or '.')
            listings[folder] = set(os.listdir(folder or '.')) if is_folder else set()
        # The second question is for names that the file system spells in another way.
        if name not in listings[folder] and not (listings[folder] and os.path.exists(path)):
            absent.append(path)
    return absent


def decode_fault(path: str) -> str:
    """What prevents the image file at `path` from being decoded; '' when nothing does."""
    try:
        if os.path.getsize(path) == 0:
            return 'empty file'
        with Image.open(path) as image:
            image.load()
    except Image.UnidentifiedImageError:
        return 'not an image'
    except Exception as error:  # Pillow's readers raise OSError, SyntaxError, EOFError, ...
        return str(error) or type(error).__name__
    return ''


def image_fault(path: str) -> str:
    """`decode_fault`, but a file is taken for whole where its header and its end are right.

    A file that ends in another way (a photograph cut short, or one with extra bytes behind), or
    whose format has no known end, is decoded.
    """
    try:
        with open(path, 'rb') as file:
            with Image.open(file) as image:
                mark = END_MARKS[image.format]
            file.seek(-len(mark), os.SEEK_END)
            if file.read() == mark:
                return ''
    except Exception:  # whatever it is, decoding tells it
        pass
    return decode_fault(path)


def faulty_images(paths: Sequence[str]) -> dict[str, str]:
    """{path: what is wrong} of the images that cannot be used, in the order of `paths`.

    A progress bar appears on stderr when it takes over two seconds.
    """
    bar = {'desc': 'checking images', 'delay': 2, 'leave': False, 'disable': not is_main_process()}
    faults = thread_map(image_fault, paths, max_workers=8, **bar)
    return {path: fault for path, fault in zip(paths, faults) if fault}
