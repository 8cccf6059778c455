"""GKGNet as the published fixtures describe it, with the published names of its weights."""

import json

from fill import fill_, make_input, make_target
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from paths import DATA

from mlgcn.checkpoints import published_key
from mlgcn.models.backbones.pyramid_vig import ARCHS
from mlgcn.models.heads.gkg_head import GKGHead

LOSS = dict(
    bce_loss=dict(type='mlgcn.BinaryCrossEntropy', label_smoothing=0.1),
    asy_loss=dict(type='AsymmetricLoss', gamma_pos=0.0, gamma_neg=2.0, clip=0.05, loss_weight=10.0),
)


def build(arch, size, num_classes, num_groups=2, k=9, **backbone):
    """PyramidViG, LabelGraphNeck and GKGHead as the configs build them."""
    channels, _ = ARCHS[arch]
    return ImageClassifier(
        backbone=dict(
            type='mlgcn.PyramidViG',
            arch=arch,
            num_groups=num_groups,
            k=k,
            img_size=size,
            out_indices=(0, 1, 2, 3),
            **backbone,
        ),
        neck=dict(
            type='mlgcn.LabelGraphNeck',
            in_channels=channels,
            num_classes=num_classes,
            k=k,
            num_groups=num_groups,
        ),
        head=dict(type=GKGHead, num_classes=num_classes, in_channels=channels[-1], loss=LOSS),
    )


def load_case(name):
    """The fixture, its model with the fixture's weights, images and samples."""
    fixture = json.loads((DATA / f'{name}.json').read_text())
    case = fixture['case']
    arch = case['arch']
    model = build(
        arch['choice'], arch['size'], arch['n_classes'], arch['num_group'], arch.get('k', 9)
    )
    fill_(model, case['salt'], case['gains'], rename=lambda key: published_key(key, 'gkgnet'))
    images = make_input(case['name'], (case['batch'], 3, case['size'], case['size']), case['salt'])
    shape = (case['batch'], arch['n_classes'])
    target = make_target(case['name'], shape, case['salt'], p=case.get('p', 0.15))
    return fixture, model, images, [DataSample().set_gt_score(row) for row in target]
