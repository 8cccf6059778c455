"""Are the listed images there, and are they whole? Asked once, before training starts.

`image_facts` is the thorough form, for `mlgcn check`. Before training, what is read of most files
is their header and their end: 10,000 images/s on one core with the files in the page cache, against
1,300/s for decoding them (3,388 files of 320 pixels). Those that look suspicious are decoded. The
threads hide the waiting of a disk or a network folder.
"""

import hashlib
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple
from urllib.parse import unquote

import cv2
import numpy as np
from mmengine.dist import is_main_process

from mlgcn.progress import track

from . import image_io
from .image_damage import check_scans
from .image_io import MAX_PIXELS, decode_fault

# The bytes that a whole file of this format ends with.
END_MARKS = {'JPEG': b'\xff\xd9', 'PNG': b'IEND\xaeB`\x82'}
THIN = 0.4  # of the list's median bytes per pixel: with less, a JPEG is decoded
FEW_BITS = 15  # of 16: images that use fewer lose at least three quarters of their range
LONG_LIST = 2000  # images, which take a disk or a network folder seconds
DEEP_SAMPLE = 20  # images with 16 bits of which the greatest value is looked up


class Verdict(NamedTuple):
    """What `check_image` found of a file."""

    fault: str = ''  # why it cannot be used
    animated: bool = False  # frames follow the first
    deep: bool = False  # more than 8 bits
    black: bool = False  # the last rows of an uncompressed image are black
    density: float = 0.0  # bytes per pixel of a JPEG that looks whole


class Folders:
    """The names in folders, each listed once."""

    def __init__(self) -> None:
        self.listings: dict[str, dict[str, str]] = {}
        self.places: dict[str, tuple[str, set[str]]] = {}  # {folder: (without links, its links)}

    def names(self, folder: str) -> dict[str, str]:
        """{name in Unicode's composed form, and as it is: name on disk}; empty without a folder."""
        if folder not in self.listings:
            entries = list(os.scandir(folder or '.')) if os.path.isdir(folder or '.') else ()
            names = [entry.name for entry in entries]
            self.listings[folder] = {unicodedata.normalize('NFC', name): name for name in names}
            self.listings[folder] |= {name: name for name in names if not name.isascii()}
            links = {entry.name for entry in entries if entry.is_symlink()}
            self.places[folder] = os.path.realpath(folder), links
        return self.listings[folder]

    def find(self, path: str) -> str | None:
        """The path on disk of a listed one, which may come from another system; None: absent."""
        for variant in _variants(path):
            folder, name = os.path.split(variant)
            names = self.names(folder)
            found = names.get(name) or names.get(unicodedata.normalize('NFC', name))
            if found is not None:
                return os.path.join(folder, found)
        # for file systems that ignore case or normalise names
        return path if self.names(os.path.dirname(path)) and os.path.exists(path) else None

    def real(self, path: str) -> str:
        """The path of a file that was found, without links in it."""
        folder, name = os.path.split(path)
        place, links = self.places[folder]
        return os.path.realpath(path) if name in links else os.path.join(place, name)

    def hint(self, path: str) -> str:
        """Why `path` may be absent: ' (...)', or ''."""
        folder, name = os.path.split(path)
        stem = os.path.splitext(name)[0].lower()
        near = [n for n in self.names(folder).values() if os.path.splitext(n)[0].lower() == stem]
        if near:
            return f' (there is {near[0]})'
        return ' (has backslashes: a path of another system)' if '\\' in path else ''


def _variants(path: str) -> Iterator[str]:
    yield path
    for variant in (path.replace('\\', '/'), unquote(path), unquote(path).replace('\\', '/')):
        yield os.path.normpath(variant)
    for form in ('NFC', 'NFD'):  # of the folders' names
        yield unicodedata.normalize(form, path)


def locate(paths: Iterable[str]) -> tuple[dict[str, str], list[str], list[tuple[str, str]]]:
    """({path: that on disk} where they differ, the absent ones with a hint, two names of one)."""
    folders, found, absent, first, aliases = Folders(), {}, [], {}, []
    for path in paths:
        on_disk = folders.find(path)
        if on_disk is None:
            absent.append(path)
            continue
        if on_disk != path:
            found[path] = on_disk
        same = first.setdefault(folders.real(on_disk), on_disk)
        if same != on_disk:
            aliases.append((same, on_disk))
    # each hint looks through a folder, which would be slow for a whole list
    return found, [path + folders.hint(path) for path in absent[:10]] + absent[10:], aliases


def check_image(path: str, max_pixels: int = MAX_PIXELS, **options) -> Verdict:
    """A JPEG or PNG is taken for whole where its header and its end are right.

    One that ends in another way (a photograph cut short, or one with extra bytes behind), or whose
    format has no known end, is decoded.
    """
    animated, deep = False, False
    try:
        with image_io.open_file(path) as file, image_io.open_image(file, max_pixels) as image:
            animated, deep = image_io.is_animated(image), image_io.is_deep(image)
            mark = END_MARKS.get(image.format)
            length = file.seek(0, os.SEEK_END)
            file.seek(max(length - 64, 0))
            end = file.read()
            # an interrupted copy often leaves zeros, before an end mark that came later
            if mark and end.endswith(mark) and any(end[: -len(mark)][-16:]):
                density = length / (image.width * image.height)
                if image.format == 'PNG':
                    image.verify()  # the checksums of its chunks
                elif image.info.get('progressive'):
                    check_scans(file)
                return Verdict('', animated, deep, False, density if image.format == 'JPEG' else 0)
    except Exception as error:
        return Verdict(image_io.fault_of(error, path), animated, deep)
    fault = decode_fault(path, max_pixels=max_pixels, **options)
    return Verdict(fault, animated, deep, not fault and image_io.ends_in_black(path, max_pixels))


def check_images(paths: Sequence[str], **options) -> dict[str, Verdict]:
    """The images that cannot be used, or are odd in another way, in the order of `paths`.

    `options` are those of `read_image`.
    """
    check = partial(check_image, **options)
    verdicts = dict(zip(paths, _in_threads(check, paths, 'checking images')))
    densities = {path: verdict.density for path, verdict in verdicts.items() if verdict.density}
    limit = THIN * np.median(list(densities.values()) or [0])
    thin = [path for path, density in densities.items() if density < limit]
    faults = _in_threads(partial(decode_fault, **options), thin, 'decoding')
    for path, fault in zip(thin, faults):
        verdicts[path] = verdicts[path]._replace(fault=fault)
    return {path: verdict for path, verdict in verdicts.items() if any(verdict[:4])}


def _in_threads(function: Callable, paths: Sequence[str], title: str) -> list:
    """What `function` says of every path; long lists get a progress bar on stderr."""
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(function, paths)
        if len(paths) >= LONG_LIST and is_main_process():
            found = track(found, title, len(paths), transient=True)
        return list(found)


class ImageFacts(NamedTuple):
    """What `image_facts` found out; after a fault the fields behind it are empty."""

    path: str
    fault: str = ''  # why there is no image, or which part of it is missing
    bits: int = 0  # of 16, that the values need; 0 where it does not matter
    is_turned: bool = False  # by EXIF
    size: tuple[int, int] = (0, 0)  # width and height of the upright image
    pixels: str = ''  # digest of size and pixels: equal for equal images
    look: int = 0  # 128 bits, of which few differ between images that look alike
    is_black: bool = False  # in the last rows, uncompressed


def image_facts(path: str, **options) -> ImageFacts:
    """Read the file at `path` in full; `options` are those of `read_image`."""
    try:
        pixels = image_io.read_image(path, **options)
    except image_io.BadImage as error:
        return ImageFacts(path, error.fault)
    with image_io.open_file(path) as file, image_io.open_image(file, 2 * MAX_PIXELS) as image:
        is_turned, is_deep = image_io.orientation(image) != 1, image_io.is_deep(image)
    height, width = pixels.shape[:2]
    digest = hashlib.blake2b(pixels, key=f'{width}x{height}'.encode(), digest_size=16).hexdigest()
    bits = used_bits([path]) if is_deep and not options.get('value_range') else 0
    black = image_io.ends_in_black(path, 2 * MAX_PIXELS)
    return ImageFacts(path, '', bits, is_turned, (width, height), digest, look_of(pixels), black)


def look_of(pixels: np.ndarray) -> int:
    """A 128-bit difference hash of (H, W, 3): where grey rises to the right, and where downwards.

    After N. Krawetz, "Kind of like that" (2013).
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (9, 9), interpolation=cv2.INTER_AREA).astype(int)
    rises = (small[:8, 1:] > small[:8, :8], small[1:, :8] > small[:8, :8])
    return int.from_bytes(np.packbits(np.stack(rises)).tobytes(), 'big')


def used_bits(paths: Sequence[str]) -> int:
    """How many of 16 bits the values of these images need, from a sample of them; 0 for floats."""
    most = 0
    for path in paths[:: -(-len(paths) // DEEP_SAMPLE)]:
        with image_io.open_file(path) as file, image_io.open_image(file, 2 * MAX_PIXELS) as image:
            values = image_io.deep_pixels(image, file)
            if values.dtype.kind == 'f':
                return 0
            most = max(most, int(values.max()))
    return most.bit_length()
