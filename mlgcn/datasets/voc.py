"""Image labels from a PASCAL VOC devkit, or from a folder in its form."""

import os
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unicodedata import normalize

from mmpretrain.datasets.categories import VOC2007_CATEGORIES

from mlgcn.messages import some
from mlgcn.registry import DATASETS

from .annotations import AnnotationError, Box, Labels, four_numbers, numbered_lines, repeated
from .base import MultiLabelPhotos
from .foreign_files import is_system_file
from .image_check import Folders
from .image_io import ENDINGS

BOX = ('xmin', 'ymin', 'xmax', 'ymax')
VALUES = ('1', '0', '-1')  # present, difficult, absent
DOWNLOADS = {
    'VOC2007': 'VOCtrainval_06-Nov-2007.tar and VOCtest_06-Nov-2007.tar from '
    'http://host.robots.ox.ac.uk/pascal/VOC/voc2007/',
    'VOC2012': 'VOCtrainval_11-May-2012.tar from http://host.robots.ox.ac.uk/pascal/VOC/voc2012/ '
    '(train and val; the labels of test are not public)',
}


class _NoDoctype(ET.TreeBuilder):
    """VOC's XML has no document type: refused, because it could define exploding entities."""

    def doctype(self, *_: str) -> None:
        raise ValueError('a document type (<!DOCTYPE>) is not accepted')


def read_voc_xml(file: str | Path) -> Labels:
    """Labels and boxes of one `Annotations/*.xml`; `img_path` is the file's name without ending.

    A class of which only difficult objects are annotated is difficult.

    Raises:
        AnnotationError: not VOC's XML, or an object has no name.
    """
    try:
        root = ET.parse(file, ET.XMLParser(target=_NoDoctype())).getroot()
        if root.tag != 'annotation':
            raise ValueError(f'the outermost element is <{root.tag}>, not <annotation>')
    except (ET.ParseError, ValueError, LookupError) as error:  # LookupError: of the encoding
        raise AnnotationError(f'{file}: expected VOC annotations in XML, but {error}') from None
    present, difficult, boxes = set(), set(), []
    for number, thing in enumerate(root.iter('object'), 1):
        name = (thing.findtext('name') or '').strip()
        if not name:
            raise AnnotationError(f'{file}: object {number} has no <name>')
        is_difficult = (thing.findtext('difficult') or '0').strip().lower() in ('1', 'true')
        (difficult if is_difficult else present).add(name)
        texts = [thing.findtext(f'bndbox/{key}') for key in BOX]
        has_box = thing.find('bndbox') is not None
        boxes.append(Box(name, four_numbers(texts) if has_box else None, f'object {number}'))
    size = [root.findtext(f'size/{key}') or '' for key in ('width', 'height')]
    size = tuple(map(int, size)) if all(text.strip().isdecimal() for text in size) else None
    return Labels(Path(file).stem, present, difficult - present, str(file), boxes, size)


def read_voc_list(file: str | Path, values: bool) -> dict[str, str]:
    """{image: '1' | '0' | '-1'} of one `ImageSets/Main/CLASS_SPLIT.txt`, or the images of a split.

    Raises:
        AnnotationError: a line without its value, or an image for the second time.
    """
    found, problems = {}, []
    for where, line in numbered_lines(file):
        *words, value = line.rsplit(maxsplit=1) if values else [line, '']
        image = _image_name(words[0]) if words else ''
        if values and (not image or value not in VALUES):
            problems.append(f"{where}: expected 'IMAGE 1|0|-1', seen {line!r}")
        elif image in found:
            problems.append(f'{where}: image {image!r} a second time')
        elif image:
            found[image] = value
    if problems:
        raise AnnotationError(*problems)
    return found


def _image_name(text: str) -> str:
    """The image that a line of a list means, which may be quoted, have an ending or a path."""
    name = text.strip().strip('\'"').replace('\\', '/')
    if 'JPEGImages/' in name:
        name = name.rpartition('JPEGImages/')[2]
    elif name.startswith(('/', '.')) or ':' in name:
        name = name.rpartition('/')[2]
    stem, ending = os.path.splitext(name)
    return stem if ending.lower() in (*ENDINGS, '.xml') else name


def _has_values(file: str | Path) -> bool:
    """Whether a list is one of a class: any of its lines has a value behind the image."""
    lines = (line.split() for _, line in numbered_lines(file))
    return any(len(words) > 1 and words[-1] in VALUES for words in lines)


def people_files(folder: Path, pattern: str) -> list[Path]:
    """The files that fit, sorted, without those that an operating system put there."""
    return sorted(path for path in folder.glob(pattern) if not is_system_file(path.name))


@DATASETS.register_module()
class VOCMultiLabel(MultiLabelPhotos):
    """The devkit's per-class lists `ImageSets/Main/{class}_{split}.txt`: 1, 0 (difficult) or -1.

    Without such lists the labels are read from `Annotations/*.xml`: a class of which an image
    shows difficult objects only is difficult. The classes are VOC's twenty in VOC's order when
    the data have exactly those, else the names found, sorted.

    mmpretrain's `VOC` reads the XML only, leaves out unknown names silently, and keeps difficult
    classes beside the labels, where its training loss takes them for negatives; the published
    figures come from the lists, with difficult classes positive in training.

    Args:
        data_root: the folder that holds `JPEGImages`, such as `VOCdevkit/VOC2007`.
        split: 'trainval', 'test', ... as in `ImageSets/Main/{split}.txt`; '' is every XML file.
        kwargs: `MultiLabelPhotos`; published: `difficult='positive'` to train, 'ignore' to test.
    """

    def __init__(self, data_root: str, split: str, data_prefix: str = 'JPEGImages', **kwargs):
        self.split = split
        self._folders = Folders()
        super().__init__(data_root=data_root, data_prefix=data_prefix, **kwargs)

    def read_labels(self) -> tuple[Sequence[str], list[Labels]]:
        """The class names and the labels of the split's images, in the split file's order."""
        paths = self._image_paths(self._read_split())
        lists = self._class_lists()
        images = self._from_lists(paths, lists) if lists else self._from_xml(paths)
        names = lists.keys() or {n for i in images for n in (*i.present, *i.difficult)}
        is_voc = set(names) == set(VOC2007_CATEGORIES)
        return (VOC2007_CATEGORIES if is_voc else sorted(names)), images

    def with_boxes(self, images: list[Labels]) -> list[Labels]:
        """Add the boxes and sizes of the XML files that are there, for checks."""
        for i, labels in enumerate(images):
            xml = self._xml(Path(labels.img_path).stem)
            if not labels.boxes and xml.is_file():
                read = read_voc_xml(xml)
                images[i] = labels._replace(boxes=read.boxes, size=read.size, where=read.where)
        return images

    @property
    def _main(self) -> Path:
        return Path(self.data_root, 'ImageSets', 'Main')

    def _xml(self, image: str) -> Path:
        path = os.path.join(self.data_root, 'Annotations', f'{image}.xml')
        return Path(self._folders.find(path) or path)

    def _read_split(self) -> list[str]:
        """The image names of the split, without ending."""
        if not self.split:
            folder = Path(self.data_root, 'Annotations')
            return [path.stem for path in people_files(folder, '*.xml')]
        path = self._main / f'{self.split}.txt'
        if not path.is_file():
            splits = [p.stem for p in people_files(self._main, '*.txt') if '_' not in p.stem]
            raise self.not_found(f'split {self.split!r}', f'{path}; there are: {some(splits)}')
        images = list(read_voc_list(path, values=False))
        known = {Path(name).stem for name in self._folders.names(self.img_prefix)}
        if _has_values(path) and not known & set(images):  # 'holiday 1' may be an image
            seen = f'{images[0]!r}: a value behind the name, as in the list of a class'
            raise AnnotationError(f'{path}: expected the names of images alone, seen {seen}')
        return images

    def _class_lists(self) -> dict[str, Path]:
        """{class: its list of this split}; empty in folders without such lists.

        A list without values, such as aug_train.txt, is another split.
        """
        end, lists = f'_{self.split}.txt', {}
        for path in people_files(self._main, f'*{end}') if self.split else ():
            if _has_values(path):
                lists[path.name.removesuffix(end)] = path
            elif any(numbered_lines(path)):
                self.notes.append(f'a list of images, no class: {path.name}')
            else:  # the class would be missing without a word
                self.problems.append(f"{path}: empty, expected lines 'IMAGE 1|0|-1'")
        return lists

    def _from_lists(self, paths: dict[str, str], lists: dict[str, Path]) -> list[Labels]:
        labels = {i: Labels(path, [], [], f'{self._main}, image {i}') for i, path in paths.items()}
        for name, path in lists.items():
            values = self._try(read_voc_list, path, True) or {}
            differ = sorted(values.keys() ^ labels.keys())
            if differ and values:
                told = f'expected the {len(labels)} images of {self.split}.txt, seen {len(values)}'
                self.problems.append(f'{path}: {told}; in one of the two only: {some(differ)}')
            for i, value in values.items():
                if value != '-1' and i in labels:
                    (labels[i].present if value == '1' else labels[i].difficult).append(name)
        return list(labels.values())

    def _try(self, read: Callable, *arguments) -> Any:
        """What `read` gives, or None and its faults among the problems."""
        try:
            return read(*arguments)
        except AnnotationError as error:
            self.problems += error.args
            return None

    def _from_xml(self, paths: dict[str, str]) -> list[Labels]:
        files = [self._xml(image) for image in paths]
        absent = [file for file in files if not file.is_file()]
        if absent and len(absent) == len(files):
            raise self.not_found(f'{len(absent)} of {len(paths)} annotations', some(absent))
        self.problems += [f'{file}: not found; expected the labels of an image' for file in absent]
        gone = set(absent)
        found = [None if file in gone else self._try(read_voc_xml, file) for file in files]
        read = zip(paths.values(), found)
        return [labels._replace(img_path=path) for path, labels in read if labels]

    def _image_paths(self, ids: list[str]) -> dict[str, str]:
        """{image: its path}; the ending is looked up, and .jpg where there is no such file."""
        files = sorted(self._folders.names(self.img_prefix).values(), reverse=True)
        images = [Path(name) for name in files if Path(name).suffix.lower() in ENDINGS]
        name_of = {normalize('NFC', path.stem): path.name for path in images}
        taken = {i: name_of.get(normalize('NFC', i), f'{i}.jpg') for i in ids}
        twice = [taken[stem] for stem in repeated(path.stem for path in images) if stem in taken]
        if twice:
            told = f'{len(twice)} images have a second file with another ending; the one taken'
            self.notes.append(f'{told}: {some(twice, 3)}')
        return taken

    def how_to_get(self) -> str:
        """VOC's downloads, when the folder has VOC's name."""
        name = Path(self.data_root).name
        if name not in DOWNLOADS:
            return ''
        folder = Path(self.data_root).parent.parent
        return f'Download {DOWNLOADS[name]} and unpack in {folder}: that gives VOCdevkit/{name}.'
