"""What weights imply beyond their values: whose they are, their classes, their terms of use."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmpretrain.datasets.categories import VOC2007_CATEGORIES
from torch import Tensor

from .detect import detect
from .error import CheckpointError

KINDS = {
    'addgcn': 'ADD-GCN as published',
    'gkgnet': 'GKGNet as published',
    'pvig': 'Pyramid ViG as published (ImageNet)',
    'mmpretrain': "Pyramid ViG in mmpretrain's names",
    'torchvision': "a ResNet in torchvision's names",
    'timm': "an EfficientNet in timm's names",
    'mlgcn': "a classifier in mlgcn's (mmpretrain's) names",
    'unknown': 'weights of a kind that mlgcn does not know',
}
LICENCES = {
    'addgcn': 'Published without a licence: ask its authors before passing the weights on.',
    'gkgnet': 'The published code and what comes with it may not be used commercially.',
    'pvig': "The terms of huawei-noah/Efficient-AI-Backbones and of ImageNet's images apply.",
    'mmpretrain': "mmpretrain is Apache-2.0; the terms of ImageNet's images apply to weights.",
    'torchvision': "torchvision is BSD-3-Clause; the terms of ImageNet's images apply to weights.",
    'timm': "timm is Apache-2.0; the terms of the model card and of ImageNet's images apply.",
}
PRETRAINED = "init_cfg=dict(type='Pretrained', checkpoint=FILE) of "
USED_BY = {
    'addgcn': 'tools/test.py configs/addgcn/addgcn_coco_448.py FILE',
    'gkgnet': 'tools/test.py configs/gkgnet/gkgnet_coco_576.py FILE',
    'pvig': PRETRAINED + 'mlgcn.PyramidViG',
    'mmpretrain': PRETRAINED + 'mlgcn.PyramidViG',
    'torchvision': PRETRAINED + 'ResNet',
    'timm': PRETRAINED + 'mlgcn.TIMMBackbone',
}
# an entry with one row for each class
CLASSIFIERS = {'addgcn': 'fc.weight', 'gkgnet': 'backbone.label_lt.weight'}
OUR_CLASSIFIERS = {'addgcn': 'head.fc.weight', 'gkgnet': 'neck.labels.weight'}
VIG_ARCHS = {48: 't', 80: 's', 96: 'm', 128: 'b'}


def implied_classes(source: str, num_classes: int) -> tuple[str, ...] | None:
    """The class names that a published file stands for, in its order; None if not known.

    80 classes are COCO's, 20 are PASCAL VOC's. ADD-GCN sorts COCO's by name, GKGNet by id; VOC's
    are sorted by name in both.
    """
    if source not in CLASSIFIERS or num_classes not in (20, 80):
        return None
    if num_classes == 20:
        return tuple(VOC2007_CATEGORIES)
    return tuple(sorted(coco_classes())) if source == 'addgcn' else coco_classes()


def coco_classes() -> tuple[str, ...]:
    """COCO's 80 classes in the order of their ids, as torchvision lists them."""
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights  # takes a second

    names = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta['categories']
    return tuple(name for name in names[1:] if name != 'N/A')


def check_classes(path: str, checkpoint: Mapping[str, Any], classes: Sequence[str]) -> None:
    """Stop when the data numbers its classes otherwise than a published file does.

    Args:
        path: the file, for the message.
        checkpoint: as loaded; without `meta['source']` it is not a published one, and passes.
        classes: the data's, in its order.

    Raises:
        CheckpointError: another number of classes, or another order.
    """
    source = checkpoint.get('meta', {}).get('source')
    if source not in CLASSIFIERS:
        return
    number = len(checkpoint['state_dict'][OUR_CLASSIFIERS[source]])
    if number != len(classes):
        raise CheckpointError(
            f'{path} is {KINDS[source]} for {number} classes, but the data has {len(classes)}'
        )
    expected = implied_classes(source, number)
    if expected is None:
        expected = sorted(classes) if source == 'addgcn' else classes
    if list(expected) != list(classes):
        first = next(i for i, pair in enumerate(zip(expected, classes)) if pair[0] != pair[1])
        order = 'name' if source == 'addgcn' else 'id'
        raise CheckpointError(
            f'{path} is {KINDS[source]}, whose classes are ordered by {order}: class {first} is '
            f'{expected[first]!r}, but in the data it is {classes[first]!r}. Scores would go to '
            f"the wrong classes; use a data set with class_order='{order}'"
        )


def describe(state_dict: Mapping[str, Tensor]) -> dict[str, str]:
    """What names and shapes tell of published weights, as `label: text` to print."""
    source = detect(state_dict)
    told = {'kind': KINDS[source]}
    if source in ('addgcn', 'torchvision'):
        blocks = [key for key in state_dict if key.endswith(('.bn1.weight', '.bn3.weight'))]
        first = [key for key in blocks if key.endswith('.bn1.weight')]
        told['model'] = f'ResNet-{2 + len(first) + len(blocks)}'
    embedding = [v for k, v in state_dict.items() if k.endswith('pos_embed') and v.ndim == 4]
    if source in ('gkgnet', 'pvig', 'mmpretrain') and embedding:
        _, channels, height, width = embedding[0].shape
        told['model'] = f'Pyramid ViG, arch {VIG_ARCHS.get(channels, f"with {channels} channels")}'
        told['built for'] = f'{4 * height} x {4 * width} pixels'
    if source in CLASSIFIERS:
        number = len(state_dict[CLASSIFIERS[source]])
        names = implied_classes(source, number)
        told['classes'] = f'{number}' + (f', implied order: {", ".join(names)}' if names else '')
    if source in LICENCES:
        told.update({'licence': LICENCES[source], 'used by': USED_BY[source]})
    return told
