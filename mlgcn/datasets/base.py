"""What all multi-label data sets share: labels to vectors, and checks before training."""

import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from unicodedata import normalize

import numpy as np
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
from .transforms.load_image import LoadImage

DIFFICULT = {'positive': 1, 'negative': 0, 'ignore': -1}


class MultiLabelPhotos(MultiLabelDataset):
    """Base of the data sets: a reader gives class names, this makes label vectors of them.

    A layout of its own needs one method, `read_labels`. An item holds `img_path`, `gt_label` (the
    indices of the positive classes) and `gt_score`, int8 of shape (K,): 1 positive, 0 negative, -1
    counts neither way. The class names, in the order of the vector, are `metainfo['classes']`.

    Args:
        classes: names in the order wanted, or a file with one name a line. None: all classes of
            the data, in the order that the subclass documents. Give a test set the training set's
            classes, so that both number them alike; a label outside them is an error.
        difficult: what a class becomes where only difficult objects of it are seen: 'positive',
            'negative' or 'ignore' (-1).
        check_images: False trusts the files unseen. True wants every listed image to be there, to
            open, and not to be cut short.
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

    def __init__(
        self,
        ann_file: str = '',
        data_root: str = '',
        difficult: str = 'positive',
        check_images: bool = True,
        bad_images: str = 'stop',
        pipeline: Sequence[dict | BaseTransform] = (),
        **kwargs,
    ):
        if difficult not in DIFFICULT:
            raise ValueError(f'difficult={difficult!r}: expected one of {", ".join(DIFFICULT)}')
        if bad_images not in ('stop', 'skip'):
            raise ValueError(f"bad_images={bad_images!r}: expected 'stop' or 'skip'")
        stated, classes = (kwargs.get('metainfo') or {}).get('classes'), kwargs.get('classes')
        if stated and isinstance(classes, (list, tuple)) and list(stated) != list(classes):
            raise ValueError(f'classes: seen {some(classes)}, but metainfo.classes: {some(stated)}')
        self.difficult = difficult
        self.check_images = check_images
        self.bad_images = bad_images
        self.left_out: dict[str, str] = {}  # {path: what is wrong}, of the check at the start
        self.absent: list[str] = []  # listed images that are not there, with hints
        self.problems: list[str] = []  # faults of the annotations, which stop the run
        self.notes: list[str] = []  # what was found out about the annotations, not stated
        pipeline = [_with_our_loader(step) for step in pipeline]
        data_root = os.path.expanduser(data_root)
        super().__init__(ann_file=ann_file, data_root=data_root, pipeline=pipeline, **kwargs)

    def read_labels(self) -> tuple[Sequence[str], list[Labels]]:
        """(the class names in order, the labels of every image) as the annotations have them.

        Paths may start from `img_prefix`.
        """
        raise NotImplementedError(f'{type(self).__name__} must say how its labels are read')

    def with_boxes(self, images: list[Labels]) -> list[Labels]:
        """`images` with the boxes that reading the labels did not need, for checks."""
        return images

    def how_to_get(self) -> str:
        """What to download, and where to put it; '' for data that is not published."""
        return ''

    def read(self) -> tuple[list[str], list[Labels]]:
        """`read_labels`, names in Unicode's composed form, images as they are named on the disk."""
        if self.data_root and not os.path.isdir(self.data_root):
            raise self.not_found('data root', self.data_root)
        if self.ann_file and not os.path.isfile(self.ann_file):
            raise self.not_found('annotation file', self.ann_file)
        self.notes.clear()
        self.problems.clear()
        names, images = self.read_labels()
        images = [composed(labels, self.img_prefix) for labels in images]
        if self.check_images:
            found, self.absent = locate(labels.img_path for labels in images)
            if found:
                pairs = some([f'{listed} is {path}' for listed, path in found.items()], 2)
                self.notes.append(f'{len(found)} images are written in another way: {pairs}')
            images = [i._replace(img_path=found.get(i.img_path, i.img_path)) for i in images]
        names = list(dict.fromkeys(normalize('NFC', name) for name in names))
        if unseen := [ascii(name) for name in names if not name.isprintable()]:
            self.notes.append(f'class names with characters that cannot be seen: {some(unseen)}')
        return names, images

    def load_data_list(self) -> list[dict]:
        """Turn the names of `read` into vectors; sets `metainfo['classes']`."""
        names, images = self.read()
        where = self.ann_file or self.data_root
        for note in self.notes:
            print_log(f'{where}: {note}', 'current', logging.WARNING)
        classes = tuple(normalize('NFC', c) for c in self._metainfo.get('classes') or names)
        wrong = unknown_labels(images, classes) if classes else ()
        problems = [*self.problems, *wrong, *listed_again(images)]
        if problems:
            raise AnnotationError(*problems)
        if not classes:
            raise ValueError(f'{where}: no class, seen no label at all')
        twice = repeated(classes)
        if twice:
            raise ValueError(f'classes: expected each once, more than once: {some(twice)}')
        self._metainfo['classes'] = classes
        index = {name: i for i, name in enumerate(classes)}
        items = [self._to_item(labels, index) for labels in images]
        counts = Counter(k for item in items for k in item['gt_label'])
        self.positives = {name: counts[i] for name, i in index.items()}
        return items

    def _to_item(self, labels: Labels, index: dict[str, int]) -> dict:
        score = np.zeros(len(index), np.int8)
        score[[index[name] for name in labels.difficult]] = DIFFICULT[self.difficult]
        score[[index[name] for name in labels.present]] = 1
        gt_label = np.flatnonzero(score == 1).tolist()
        return {'img_path': labels.img_path, 'gt_label': gt_label, 'gt_score': score}

    def filter_data(self) -> list[dict]:
        """Refuse a list with absent images; refuse or leave out the unreadable ones."""
        if not self.data_list:
            raise ValueError(f'{self.ann_file or self.data_root}: no image is listed')
        if not self.check_images:
            return self.data_list
        paths = [item['img_path'] for item in self.data_list]
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
        return [item for item in self.data_list if item['img_path'] not in self.left_out]

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
