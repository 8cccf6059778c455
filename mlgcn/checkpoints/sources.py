"""Whose weights a file holds: every published system in one table, and what its files say."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mmpretrain.datasets.categories import VOC2007_CATEGORIES
from torch import Tensor

PRETRAINED = "init_cfg=dict(type='Pretrained', checkpoint=FILE) of "
VIG_LICENCE = "The terms of huawei-noah/Efficient-AI-Backbones and of ImageNet's images apply."
NO_LICENCE = 'Published without a licence: ask its authors before passing the weights on.'
OPEN_LICENCE = 'MIT; the terms of the training images apply.'


@dataclass(frozen=True)
class Source:
    """What is known of the files of one system.

    Args:
        kind: what they are, in words.
        mark: pattern of an entry that only whole files of this system have.
        licence: terms of their use; '' where the system is not published.
        used_by: the command or setting that takes such a FILE.
        classifier: entries with one row for each class, under the published names and ours; none
            where the files are backbones.
        by_name: its COCO classes are sorted by name, those of others by id.
    """

    kind: str
    mark: str = ''
    licence: str = ''
    used_by: str = ''
    classifier: tuple[str, ...] = ()
    by_name: bool = False


# The first whose mark is found counts: the peers' files have parts that mark the later ones.
SOURCES = {
    'ctran': Source(
        'C-Tran as its training script saves it',
        r'known_label_lt\.weight',
        'MIT code, no weights are released: the terms of whoever trained them apply.',
        'mlgcn test ctran_r101_coco_576 FILE',
        ('label_lt.weight', 'head.labels.weight'),
    ),
    'query2label': Source(
        'Query2Label as published',
        r'transformer\.decoder\.norm\.weight',
        OPEN_LICENCE,
        'mlgcn test query2label_r101_coco_448 FILE',
        ('query_embed.weight', 'head.queries'),
    ),
    'csra': Source(
        'CSRA as published',
        r'classifier\.multi_head\.0\.head\.weight',
        'AGPL-3.0, and "for academic usage" by its README: ask its authors.',
        'mlgcn test csra_coco_448 FILE',
        ('classifier.multi_head.0.head.weight', 'head.csra_heads.0.head.weight'),
    ),
    'ml_gcn': Source(
        'ML-GCN as published',
        r'gc1\.weight',
        NO_LICENCE,
        'mlgcn test ml_gcn_coco_448 FILE --cfg-options model.head.embeddings=VECTORS.npy',
        ('A', 'head.graph'),
        by_name=True,
    ),
    'ml_decoder': Source(
        'ML-Decoder as published',
        r'(?:head|fc)\.decoder\.duplicate_pooling',
        OPEN_LICENCE,
        'mlgcn test ml_decoder_tresnetl_coco_448 FILE',
        (
            'head.decoder.duplicate_pooling_bias',
            'fc.decoder.duplicate_pooling_bias',
            'head.bias',
        ),
    ),
    'asl': Source(
        'TResNet with a linear classifier, as ASL publishes it',
        r'body\.conv1\.0\.weight',
        'MIT (TResNet: Apache-2.0); the terms of the training images apply.',
        'mlgcn test asl_tresnetl_coco_448 FILE',
        ('head.fc.FC.weight', 'head.fc.weight'),
    ),
    'addgcn': Source(
        'ADD-GCN as published',
        r'gcn\.static_adj\.0\.weight',
        NO_LICENCE,
        'mlgcn test addgcn_coco_448 FILE',
        ('fc.weight', 'head.fc.weight'),
        by_name=True,
    ),
    'gkgnet': Source(
        'GKGNet as published',
        r'backbone\.label_lt\.weight',
        'The published code and what comes with it may not be used commercially.',
        'mlgcn test gkgnet_coco_576 FILE',
        ('backbone.label_lt.weight', 'neck.labels.weight'),
    ),
    'pvig': Source(
        'Pyramid ViG as published (ImageNet)',
        r'stem\.convs\.0\.weight',
        VIG_LICENCE,
        PRETRAINED + 'mlgcn.PyramidViG',
    ),
    'mmpretrain': Source(
        "Pyramid ViG in mmpretrain's names",
        r'backbone\.stages\.0\.0\.0\.fc1\.0\.weight',
        "mmpretrain is Apache-2.0; the terms of ImageNet's images apply to weights.",
        PRETRAINED + 'mlgcn.PyramidViG',
    ),
    'torchvision': Source(
        "a ResNet in torchvision's names",
        r'layer1\.0\.conv1\.weight',
        "torchvision is BSD-3-Clause; the terms of ImageNet's images apply to weights.",
        PRETRAINED + 'ResNet',
    ),
    'timm': Source(
        "an EfficientNet in timm's names",
        r'conv_stem\.weight',
        "timm is Apache-2.0; the terms of the model card and of ImageNet's images apply.",
        PRETRAINED + 'mlgcn.TIMMBackbone',
    ),
    'mlgcn': Source("a classifier in mlgcn's (mmpretrain's) names"),
    'unknown': Source('weights of an unknown model'),
}


def source_of(names: Collection[str]) -> str:
    """The key of SOURCES whose entries have these names, without wrappers."""
    for source, known in SOURCES.items():
        if known.mark and any(re.fullmatch(known.mark, name) for name in names):
            return source
    parts = {name.split('.')[0] for name in names}
    return 'mlgcn' if {'backbone', 'head'} <= parts <= {'backbone', 'neck', 'head'} else 'unknown'


def num_classes(source: str, weights: Mapping[str, Tensor]) -> int | None:
    """Number of classes of a published model; None where its weights do not fix it."""
    rows = [len(weights[key]) for key in SOURCES[source].classifier if key in weights]
    zero_shot = source == 'ml_decoder' and any('word' in key for key in weights)
    return rows[0] if rows and not zero_shot else None


def implied_classes(source: str, num_classes: int) -> tuple[str, ...] | None:
    """The class names that a published file stands for, in its order; None if not known.

    80 classes are COCO's, 20 are PASCAL VOC's. ADD-GCN and ML-GCN sort COCO's by name, the others
    by id; VOC's are sorted by name in all.
    """
    if not SOURCES[source].classifier or num_classes not in (20, 80):
        return None
    if num_classes == 20:
        return tuple(VOC2007_CATEGORIES)
    # imported here: it takes a second
    from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights

    # COCO's names in the order of their ids; ids without a class are called N/A
    names = FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta['categories']
    coco = tuple(name for name in names[1:] if name != 'N/A')
    return tuple(sorted(coco)) if SOURCES[source].by_name else coco
