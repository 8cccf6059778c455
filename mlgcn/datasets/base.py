"""What all multi-label data sets share: labels to vectors, and checks before training."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from unicodedata import normalize

from mmcv.transforms import BaseTransform, LoadImageFromFile
from mmengine.logging import print_log
from mmpretrain.datasets import MultiLabelDataset
from mmpretrain.registry import TRANSFORMS

from .annotations import (
    AnnotationError,
    Labels,
    composed,
    listed_again,
    repeated,
    some,
    unknown_labels,
)
from .image_check import FEW_BITS, Verdict, check_images, locate, used_bits
from .image_io import BadImage
from .label_table import LabelTable
from .transforms.load_image import LoadImage

DIFFICULT = {'positive': 1, 'negative': 0, 'ignore': -1}
UNLISTED = {'negative': 0, 'unknown': -1}
MOST_PROBLEMS = 1000  # faults of annotations after which they are not read any further


class MultiLabelPhotos(MultiLabelDataset):
    """Base of the data sets: a reader gives class names, this makes label vectors of them.

    A layout of its own needs one method, `read_labels`. An item holds `img_path`, `gt_label` (the
    indices of the positive classes), `gt_score`, int8 of shape (K,): 1 positive, 0 negative, -1
    unknown, which counts neither way; and `crop` where the sample is a part of the image. The class
    names, in the order of the vector, are `metainfo['classes']`. Labels are kept sparse
    (`LabelTable`), in arrays that the data loader's workers share.

    Args:
        classes: names in the order wanted, or a file with one name a line. None: all classes of
            the data, in the order that the subclass documents. Give a test set the training set's
            classes, so that both number them alike; a label outside them is an error.
        difficult: what a class becomes where only difficult objects of it are seen: 'positive',
            'negative' or 'ignore' (-1).
        unlisted: 'negative' or 'unknown' (-1), the classes that an image does not list.
        check_images: False trusts the files unseen. True wants every listed image to be there, to
            open, and not to be cut short. A number checks a sample of so many, and says so.
        bad_images: 'stop' raises for unreadable images. 'skip' leaves them out and logs them; for
            one that vanishes or breaks later, the next readable image of the list is taken, whose
            DataSample then has `skipped`, {path: what is wrong}, for `SkippedImagesHook`. Images
            that are absent at the start always raise.
        pipeline: the transforms. mmcv's `LoadImageFromFile`, which takes damaged JPEGs for whole,
            is replaced by `mlgcn.LoadImage`.
        kwargs: mmpretrain's `BaseDataset` (data_prefix, metainfo, ...).

    Raises:
        FileNotFoundError: the data root, the annotations or listed images are not there.
        ValueError: the annotations are wrong, a label is not in `classes`, images are unreadable.
        OSError: an image vanished or broke after that, under 'stop'.
    """

    merges_parts = False  # whether an image that is listed again adds labels, and is no fault

    def __init__(
        self,
        ann_file: str = '',
        data_root: str = '',
        difficult: str = 'positive',
        check_images: bool | int = True,
        bad_images: str = 'stop',
        unlisted: str = 'negative',
        pipeline: Sequence[dict | BaseTransform] = (),
        **kwargs,
    ):
        if difficult not in DIFFICULT:
            raise ValueError(f'difficult={difficult!r}: expected one of {", ".join(DIFFICULT)}')
        if bad_images not in ('stop', 'skip'):
            raise ValueError(f"bad_images={bad_images!r}: expected 'stop' or 'skip'")
        if unlisted not in UNLISTED:
            raise ValueError(f'unlisted={unlisted!r}: expected one of {", ".join(UNLISTED)}')
        stated, classes = (kwargs.get('metainfo') or {}).get('classes'), kwargs.get('classes')
        if stated and isinstance(classes, (list, tuple)) and list(stated) != list(classes):
            raise ValueError(f'classes: seen {some(classes)}, but metainfo.classes: {some(stated)}')
        self.difficult = difficult
        self.check_images = check_images
        self.bad_images = bad_images
        self.unlisted = unlisted
        self.left_out: dict[str, str] = {}  # {path: what is wrong}, of the check at the start
        self.absent: list[str] = []  # listed images that are not there, with hints
        self.problems: list[str] = []  # faults of the annotations, which stop the run
        self.notes: list[str] = []  # what was found out about the annotations, not stated
        pipeline = [_with_our_loader(step) for step in pipeline]
        data_root = os.path.expanduser(data_root)
        kwargs |= {'pipeline': pipeline, 'serialize_data': False}  # a LabelTable is compact
        super().__init__(ann_file=ann_file, data_root=data_root, **kwargs)

    def read_labels(self) -> tuple[Sequence[str] | set[str], Iterable[Labels]]:
        """(class names, labels of every image) as the annotations have them.

        Names are in order, or a set that is complete once the images have been read: they are
        sorted. Paths may start from `img_prefix`.
        """
        raise NotImplementedError(f'{type(self).__name__} must say how its labels are read')

    def policy(self) -> str:
        """What becomes of labels that the annotations do not state, for the log."""
        return f'labels that are not listed are {self.unlisted} (unlisted)'

    def with_boxes(self, images: list[Labels]) -> list[Labels]:
        """`images` with the boxes that reading the labels did not need, for checks."""
        return images

    def how_to_get(self) -> str:
        """What to download, and where to put it; '' for data that is not published."""
        return ''

    def read(self) -> tuple[list[str], list[Labels]]:
        """`read_labels`, names in Unicode's composed form, images as they are named on the disk."""
        names, images = self._stream()
        images = list(images)
        found = self._locate(lambda i: images[i].img_path, len(images))
        images = [i._replace(img_path=found.get(i.img_path, i.img_path)) for i in images]
        return self._composed(names), images

    def _stream(self) -> tuple[Sequence[str] | set[str], Iterator[Labels]]:
        """`read_labels`, names of labels composed and paths in full, image by image."""
        if self.data_root and not os.path.isdir(self.data_root):
            raise self.not_found('data root', self.data_root)
        if self.ann_file and not os.path.isfile(self.ann_file):
            raise self.not_found('annotation file', self.ann_file)
        self.notes.clear()
        self.problems.clear()
        names, images = self.read_labels()
        return names, (composed(labels, self.img_prefix) for labels in images)

    def _composed(self, names: Iterable[str]) -> list[str]:
        """The names of classes, each once."""
        names = sorted(names) if isinstance(names, set) else names
        names = list(dict.fromkeys(normalize('NFC', name) for name in names))
        if unseen := [ascii(name) for name in names if not name.isprintable()]:
            self.notes.append(f'class names with characters that cannot be seen: {some(unseen)}')
        return names

    def _sample(self, number: int) -> Sequence[int]:
        """Which of so many images are checked."""
        every, most = range(number), int(self.check_images)
        if isinstance(self.check_images, bool) or most >= number:
            return every if self.check_images else ()
        return [number * i // most for i in range(most)]

    def _locate(self, path: Callable[[int], str], number: int) -> dict[str, str]:
        """{path: that on the disk} where they differ; notes them, and which images are absent."""
        checked = self._sample(number)
        found, self.absent = locate(map(path, checked))
        if found and len(checked) < number:
            found, self.absent = locate(map(path, range(number)))
        if found:
            pairs = some([f'{listed} is {path}' for listed, path in found.items()], 2)
            self.notes.append(f'{len(found)} images are written in another way: {pairs}')
        if 0 < len(checked) < number:
            self.notes.append(f'{len(checked)} of {number} images are checked (check_images)')
        return found

    def fault(self, where: str, text: str) -> None:
        """Note a fault of the annotations; too many end the reading."""
        self.problems.append(f'{where}: {text}')
        if len(self.problems) >= MOST_PROBLEMS:
            raise AnnotationError(*self.problems)

    def load_data_list(self) -> LabelTable:
        """Turn the names of labels into columns of a table; sets `metainfo['classes']`."""
        names, images = self._stream()
        stated = self._metainfo.get('classes')
        known = stated or (() if isinstance(names, set) else self._composed(names))
        known = {normalize('NFC', name): k for k, name in enumerate(known)}
        table, columns = LabelTable(UNLISTED[self.unlisted]), {}
        for labels in images:
            table.append(labels.img_path, self._pairs(labels, known, columns), labels.crop)
        where = self.ann_file or self.data_root
        classes = tuple(normalize('NFC', c) for c in stated or self._composed(names))
        twice = table.repeated_paths()
        if twice and not self.merges_parts:
            kept, again = list(self.problems), self._stream()[1]
            self.problems[:] = kept + list(listed_again(i for i in again if i.img_path in twice))
        if self.problems:
            raise AnnotationError(*self.problems)
        if not classes:
            raise ValueError(f'{where}: no class, seen no label at all')
        if again := repeated(classes):
            raise ValueError(f'classes: expected each once, more than once: {some(again)}')
        self._metainfo['classes'] = classes
        index = {name: i for i, name in enumerate(classes)}
        table.renumber([index[name] for name in columns], len(classes))
        if twice:
            self.notes.append(f'{len(twice)} images are listed in parts, e.g. {min(twice)}')
            table = table.merged(twice)
        if found := self._locate(table.path, len(table)):
            table = table.keep(range(len(table)), found)
        self.positives = dict(zip(classes, table.counts().tolist()))
        print_log(f'{where}: {self.policy()}', 'current')
        for note in self.notes:
            print_log(f'{where}: {note}', 'current', logging.WARNING)
        return table

    def _pairs(
        self, labels: Labels, known: dict[str, int], columns: dict[str, int]
    ) -> Iterable[tuple[int, int]]:
        """The (column, 1 | 0 | -1) of an image; `columns` grows by the names that are new."""
        values, number = {}, 0
        for names, value in ((labels.unknown, -1), (labels.absent, 0), (labels.present, 1)):
            values.update(dict.fromkeys(names, value))
            number += len(names)
        if number > len(values):
            twice = repeated([*labels.unknown, *labels.absent, *labels.present])
            self.fault(labels.where, f'a class in two states: {some(sorted(twice))}')
        for name in labels.difficult:
            values.setdefault(name, DIFFICULT[self.difficult])
        if known and not values.keys() <= known.keys():
            self.problems += unknown_labels([labels], known)
            return ()
        return [(columns.setdefault(name, len(columns)), v) for name, v in values.items()]

    def filter_data(self) -> LabelTable:
        """Refuse a list with absent images; refuse or leave out the unreadable ones."""
        if not self.data_list:
            raise ValueError(f'{self.ann_file or self.data_root}: no image is listed')
        paths = [self.data_list.path(i) for i in self._sample(len(self.data_list))]
        count = f'of {len(paths)} images'
        if self.absent:
            help_ = self.how_to_get() or 'Put them there, or correct `data_prefix` (`own.images`).'
            folder = self.img_prefix or os.getcwd()
            told = f'{len(self.absent)} {count} are absent from {folder}: {some(self.absent)}'
            raise FileNotFoundError(f'{told}. {help_}')
        verdicts = check_images(paths, **self.read_options)
        for oddity in self._oddities(verdicts):
            print_log(f'{self.ann_file or self.data_root}: {oddity}', 'current', logging.WARNING)
        self.left_out = {path: verdict.fault for path, verdict in verdicts.items() if verdict.fault}
        told = [f'{path} ({fault})' for path, fault in self.left_out.items()]
        if told and (self.bad_images == 'stop' or len(told) == len(paths)):
            raise ValueError(
                f'{len(told)} {count} cannot be read: {some(told)}. Replace them, or leave them '
                "out with `bad_images='skip'` in the data set's config."
            )
        if told:
            lines = [f'{len(told)} {count} cannot be read and are left out:', *told]
            print_log('\n  '.join(lines), 'current', logging.WARNING)
        if not self.left_out:
            return self.data_list
        rows = range(len(self.data_list))
        return self.data_list.keep(i for i in rows if self.data_list.path(i) not in self.left_out)

    def _oddities(self, verdicts: dict[str, Verdict]) -> Iterator[str]:
        """Of which images less is used than the file has."""
        animated = [path for path, verdict in verdicts.items() if verdict.animated]
        if animated:
            told = f'{len(animated)} images are animated or have pages; the first one is used'
            yield f'{told}: {some(animated)}'
        deep = [path for path, verdict in verdicts.items() if verdict.deep and not verdict.fault]
        bits = used_bits(deep) if deep and not self.read_options.get('value_range') else 0
        if 0 < bits < FEW_BITS:
            told = f'{len(deep)} images have 16 bits, a sample uses {bits}: they come out dark'
            advice = f'Set value_range=(0, {2**bits - 1}) of mlgcn.LoadImage in the pipelines'
            yield f'{told}. {advice}: {some(deep, 3)}'

    @property
    def read_options(self) -> dict:
        """The options of the pipeline's `LoadImage`, so that the check at the start reads alike."""
        loaders = [step for step in self.pipeline.transforms if isinstance(step, LoadImage)]
        return vars(loaders[0]) if loaders else {}

    def prepare_data(self, idx: int) -> dict:
        """The item after the pipeline; for a broken image an error that names it, or the next."""
        skipped = {}
        for step in range(len(self)):
            item = self.get_data_info((idx + step) % len(self) if step else idx)
            path = item['img_path']
            try:
                packed = self.pipeline(item)
            except BadImage as error:
                if self.bad_images == 'stop':
                    told = f'{path}: this image can no longer be read: {error.fault}'
                    raise OSError(told) from error
                skipped[path] = error.fault
            else:
                if skipped:
                    packed['data_samples'].set_metainfo({'skipped': skipped})
                return packed
        raise OSError(f'no image can be read any more: {some(skipped)}')

    def not_found(self, what: str, where: str) -> FileNotFoundError:
        """The error for something absent: what, where, and how to get it."""
        root = os.environ.get('MLGCN_DATA')
        return FileNotFoundError(
            f'{what} not found: {where} (looked from {os.getcwd()}). '
            f'{self.how_to_get() or "Check the paths in the config."} The shipped configs look in '
            f'the folder $MLGCN_DATA ({f"now {root}" if root else "now unset, so data/"}).'
        )


def _with_our_loader(step: dict | BaseTransform) -> BaseTransform:
    """The transform, or `LoadImage` in place of mmcv's loader of images."""
    step = TRANSFORMS.build(step) if isinstance(step, dict) else step
    if not isinstance(step, LoadImageFromFile):
        return step
    if step.color_type != 'color' or step.to_float32 or step.ignore_empty or step.backend_args:
        raise ValueError(f'pipeline: expected mlgcn.LoadImage, seen {step}')
    return LoadImage()
