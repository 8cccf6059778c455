"""The image side of all data sets: are the files there and whole, at the start and later?"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence

from mmcv.transforms import BaseTransform, LoadImageFromFile
from mmengine.logging import print_log
from mmpretrain.datasets import MultiLabelDataset
from mmpretrain.registry import TRANSFORMS

from mlgcn.messages import some

from .image_check import FEW_BITS, Verdict, check_images, locate, used_bits
from .image_io import BadImage
from .label_table import LabelTable
from .transforms.load_image import LoadImage


class CheckedImages(MultiLabelDataset):
    """Base of `MultiLabelPhotos`, which fills `data_list` from annotations.

    Args:
        check_images: False trusts the files unseen. True wants every listed image to be there, to
            open, and not to be cut short. A number checks a sample of so many, and says so.
        bad_images: 'stop' raises for unreadable images. 'skip' leaves them out and logs them; for
            one that vanishes or breaks later, the next readable image of the list is taken, whose
            DataSample then has `skipped`, {path: what is wrong}, for `SkippedImagesHook`. Images
            that are absent at the start always raise.
        pipeline: the transforms. mmcv's `LoadImageFromFile`, which takes damaged JPEGs for whole,
            is replaced by `mlgcn.LoadImage`.
        kwargs: mmpretrain's `BaseDataset`.
    """

    def __init__(
        self,
        check_images: bool | int = True,
        bad_images: str = 'stop',
        pipeline: Sequence[dict | BaseTransform] = (),
        **kwargs,
    ):
        if bad_images not in ('stop', 'skip'):
            raise ValueError(f"bad_images={bad_images!r}: expected 'stop' or 'skip'")
        self.check_images = check_images
        self.bad_images = bad_images
        self.left_out: dict[str, str] = {}  # {path: what is wrong}, of the check at the start
        self.absent: list[str] = []  # listed images that are not there, with hints
        self.aliases: list[tuple[str, str]] = []  # two names of one file, through links
        self.notes: list[str] = []  # what was found out about the annotations, not stated
        super().__init__(pipeline=[_with_our_loader(step) for step in pipeline], **kwargs)

    def how_to_get(self) -> str:
        """What to download, and where to put it; '' for data that is not published."""
        return ''

    def _sample(self, number: int) -> Sequence[int]:
        """Which of so many images are checked."""
        every, most = range(number), int(self.check_images)
        if isinstance(self.check_images, bool) or most >= number:
            return every if self.check_images else ()
        return [number * i // most for i in range(most)]

    def _locate(self, path: Callable[[int], str], number: int) -> dict[str, str]:
        """{path: that on the disk} where they differ; notes them, and which images are absent."""
        checked = self._sample(number)
        found, self.absent, self.aliases = locate(map(path, checked))
        if found and len(checked) < number:
            found, self.absent, self.aliases = locate(map(path, range(number)))
        if found:
            pairs = some([f'{listed} is {path}' for listed, path in found.items()], 2)
            self.notes.append(f'{len(found)} images are written in another way: {pairs}')
        if 0 < len(checked) < number:
            self.notes.append(f'{len(checked)} of {number} images are checked (check_images)')
        return found

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
            advice = "Replace them, or leave them out with `bad_images='skip'` in the config."
            raise ValueError(f'{len(told)} {count} cannot be read: {some(told)}. {advice}')
        if told:
            lines = [f'{len(told)} {count} cannot be read and are left out:', *told]
            print_log('\n  '.join(lines), 'current', logging.WARNING)
        if not self.left_out:
            return self.data_list
        rows = range(len(self.data_list))
        return self.data_list.keep(i for i in rows if self.data_list.path(i) not in self.left_out)

    def _oddities(self, verdicts: dict[str, Verdict]) -> Iterator[str]:
        """Of which images less is used than the file has, or perhaps than it had."""
        animated = [path for path, verdict in verdicts.items() if verdict.animated]
        if animated:
            told = f'{len(animated)} images are animated or have pages; the first one is used'
            yield f'{told}: {some(animated)}'
        black = [path for path, verdict in verdicts.items() if verdict.black]
        if black:
            told = f'{len(black)} uncompressed images end in black rows'
            yield f'{told}, which are a border, or were lost: {some(black)}'
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
        root = os.environ.get('MLGCN_DATA') or 'unset, so data/'
        advice = self.how_to_get() or 'Check the paths in the config.'
        advice += f' The shipped configs look in the folder $MLGCN_DATA (now {root}).'
        return FileNotFoundError(f'{what} not found: {where} (looked from {os.getcwd()}). {advice}')


def _with_our_loader(step: dict | BaseTransform) -> BaseTransform:
    """The transform, or `LoadImage` in place of mmcv's loader of images."""
    step = TRANSFORMS.build(step) if isinstance(step, dict) else step
    if not isinstance(step, LoadImageFromFile):
        return step
    if step.color_type != 'color' or step.to_float32 or step.ignore_empty or step.backend_args:
        raise ValueError(f'pipeline: expected mlgcn.LoadImage, seen {step}')
    return LoadImage()
