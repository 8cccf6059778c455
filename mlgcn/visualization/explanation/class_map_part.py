"""The part that every model has but ADD-GCN, which has attention: class activation maps."""

from collections.abc import Sequence

from mmpretrain.models import ImageClassifier
from mmpretrain.models.heads import MultiLabelLinearClsHead
from torch import Tensor

from mlgcn.models.heads import LinearHead

from .class_maps import class_maps
from .parts import Figure, Labels, Part
from .photo import Photo
from .photo_pictures import map_picture


def class_map_part(
    model: ImageClassifier, photo: Photo, maps: Sequence[Tensor], labels: Labels
) -> Part:
    """Class activation maps of `labels` in one image."""
    values, rest = (t.float().cpu().numpy() for t in class_maps(model, maps, labels.index))
    exact = isinstance(model.head, (LinearHead, MultiLabelLinearClsHead))
    figures = []
    for i, name in enumerate(labels.names):
        added = f'{values[i].sum():+.2f} on the map, {rest[i]:+.2f} beside it'
        title = f'{labels.titles()[i]}: logit {labels.logits[i]:.2f}'
        figures.append(Figure(f'cam_{name}', map_picture(photo, values[i], title, added, True)))
    return Part(
        'Class activation maps',
        'Gradient times feature, summed over the channels, at every place of the last feature map '
        '(HiResCAM): orange speaks for the label, purple against it. '
        + (
            'The head is linear, so nothing is approximated: the map and the bias add up to the '
            'logit.'
            if exact
            else 'The head is not linear: this is the first-order term of the last map alone, and '
            'what it misses is given as beside the map.'
        ),
        figures,
    )
