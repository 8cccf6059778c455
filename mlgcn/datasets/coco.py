"""Image labels from COCO's object annotations."""

import os
from collections.abc import Sequence

from mlgcn.registry import DATASETS

from .annotations import Labels, read_coco, read_data_list, some
from .base import MultiLabelPhotos


@DATASETS.register_module()
class CocoMultiLabel(MultiLabelPhotos):
    """An image has the classes of the objects annotated in it, crowds included.

    For `instances_*.json` of COCO and any file of that form, with any categories: all that are
    listed are classes, also those that no annotation has, except what exporters add (`notes`).
    Published systems differ in two conventions (COCO 2014: 82,783 train and 40,504 val images):

    * ADD-GCN: `class_order='name'` and `keep_unlabelled=False` (82,081 and 40,137 images);
    * GKGNet: `class_order='id'` and `keep_unlabelled=True` (all images).

    Args:
        ann_file: the json, relative to `data_root`.
        class_order: 'id' orders the classes by category id, 'name' alphabetically.
        keep_unlabelled: whether images without any annotation stay, with all classes negative.
        kwargs: `MultiLabelPhotos`, with `data_prefix` the folder of the images.
    """

    def __init__(
        self, ann_file: str, class_order: str = 'id', keep_unlabelled: bool = True, **kwargs
    ):
        if class_order not in ('id', 'name'):
            raise ValueError(f"class_order={class_order!r}: expected 'id' or 'name'")
        self.class_order = class_order
        self.keep_unlabelled = keep_unlabelled
        super().__init__(ann_file=ann_file, **kwargs)

    def read_labels(self) -> tuple[Sequence[str], list[Labels]]:
        """The categories in `class_order`, and the labels of the images in the file's order."""
        names, images, extra, problems = read_coco(self.ann_file)
        self.problems += problems
        if extra:
            self.notes.append(f'categories without annotations, left out: {some(sorted(extra))}')
        images = [labels for labels in images if labels.present or self.keep_unlabelled]
        kept = [name for name in names.values() if name not in extra]
        return sorted(kept) if self.class_order == 'name' else kept, images

    def how_to_get(self) -> str:
        """The built-in scenes' command or COCO 2014's downloads, where the config asks for them."""
        if os.path.basename(os.path.normpath(self.data_root)) == 'scenes':
            return f'Draw the built-in data set with: mlgcn scenes {self.data_root}.'
        if not self.ann_file.endswith(('instances_train2014.json', 'instances_val2014.json')):
            return ''
        return (
            'For COCO 2014 download train2014.zip, val2014.zip and '
            'annotations_trainval2014.zip from https://cocodataset.org/#download and unzip them '
            f'in {self.data_root or "one folder"}, which then holds train2014/, val2014/ and '
            'annotations/.'
        )


@DATASETS.register_module()
class JsonMultiLabel(MultiLabelPhotos):
    """The json of mmpretrain's own data sets: `metainfo.classes`, `data_list` of `gt_label`s.

    Args:
        ann_file: the json, relative to `data_root`.
        kwargs: `MultiLabelPhotos`, with `data_prefix` the folder that `img_path`s start from.
    """

    def read_labels(self) -> tuple[Sequence[str], list[Labels]]:
        """The classes and the images in the file's order."""
        classes, images, problems = read_data_list(self.ann_file)
        self.problems += problems
        return classes, images
