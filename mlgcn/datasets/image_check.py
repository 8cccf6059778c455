"""Are the listed images there, and are they whole? Asked once, before training starts.

What is read of a sound JPEG or PNG is its header and its last bytes: 10,000 images/s on one core
with the files in the page cache, against 1,300/s for decoding them (3,388 files of 320 pixels).
The threads hide the waiting of a disk or a network folder.
"""

import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from mmengine.dist import is_main_process
from tqdm.contrib.concurrent import thread_map

from .image_io import MAX_PIXELS, decode_fault, fault_of, is_animated, open_file, open_image

# The bytes that a whole file of this format ends with.
END_MARKS = {'JPEG': b'\xff\xd9', 'PNG': b'IEND\xaeB`\x82'}


class Verdict(NamedTuple):
    """`fault` says why a file cannot be used, '' if it can; `animated`: frames follow the first."""

    fault: str = ''
    animated: bool = False


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


def check_image(path: str, max_pixels: int = MAX_PIXELS) -> Verdict:
    """A file is taken for whole where its header and its end are right.

    One that ends in another way (a photograph cut short, or one with extra bytes behind), or whose
    format has no known end, is decoded.
    """
    try:
        with open_file(path) as file, open_image(file, max_pixels) as image:
            animated = is_animated(image)
            mark = END_MARKS.get(image.format)
            if mark:
                file.seek(-len(mark), os.SEEK_END)
                if file.read() == mark:
                    return Verdict('', animated)
    except Exception as error:
        return Verdict(fault_of(error, path))
    return Verdict(decode_fault(path, max_pixels), animated)


def check_images(paths: Sequence[str], max_pixels: int = MAX_PIXELS) -> dict[str, Verdict]:
    """The images that cannot be used or are animated, in the order of `paths`.

    A progress bar appears on stderr when it takes over two seconds.
    """
    bar = {'desc': 'checking images', 'delay': 2, 'leave': False, 'disable': not is_main_process()}
    verdicts = thread_map(partial(check_image, max_pixels=max_pixels), paths, max_workers=8, **bar)
    return {path: verdict for path, verdict in zip(paths, verdicts) if any(verdict)}
