"""Classifiers that look at a picture and at its mirror image."""

from collections.abc import Sequence

import torch
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor

from mlgcn.registry import MODELS

from .heads import MultiLabelHead


@MODELS.register_module()
class MirrorAveragedClassifier(ImageClassifier):
    """An ``ImageClassifier`` whose answer is the mean of those to picture and mirror image.

    In evaluation mode alone: it trains as ``ImageClassifier`` does, on mirrored pictures if the
    pipeline mirrors them, and its weights have the same names. Evaluation takes twice the time.
    """

    def forward(
        self,
        inputs: Tensor | Sequence[Tensor],
        data_samples: list[DataSample] | None = None,
        mode: str = 'tensor',
    ) -> Tensor | dict[str, Tensor] | list[DataSample]:
        """Logits (B, K) of images (B, 3, H, W); losses or predictions, as ``mode`` says."""
        if self.training or mode == 'loss':
            return super().forward(inputs, data_samples, mode)
        logits = mirror_averaged_logits(self, inputs, data_samples)
        return logits if mode == 'tensor' else self.head._get_predictions(logits, data_samples)


def mirror_averaged_logits(
    model: ImageClassifier,
    inputs: Tensor | Sequence[Tensor],
    data_samples: Sequence[DataSample] | None = None,
) -> Tensor:
    """Logits (B, K), the mean of those of picture and mirror image, of any classifier.

    Logits, not probabilities: a temperature divides logits, and scores files hold them. The model
    runs once, on 2 B images, which takes twice the memory of B.

    Args:
        inputs: images (B, 3, H, W), or stored features: maps (2 B, C, h, w) of B pictures and,
            after them, of their mirror images.
        data_samples: labels that are known of a picture hold of its mirror image, too.
    """
    if isinstance(inputs, Tensor):
        inputs = torch.cat([inputs, inputs.flip(3)])
    feats, head = model.extract_feat(inputs), model.head
    if isinstance(head, MultiLabelHead):
        logits = head.logits(feats, data_samples and [*data_samples, *data_samples])
    else:
        logits = head(feats)
    return logits.unflatten(0, (2, -1)).mean(dim=0)


def use_mirror_average(model: dict) -> None:
    """Make the config of a model, in place, that of a :class:`MirrorAveragedClassifier`.

    Raises:
        ValueError: it is no ``ImageClassifier``.
    """
    name = str(model['type']).rpartition('.')[2]
    if name not in ('ImageClassifier', MirrorAveragedClassifier.__name__):
        raise ValueError(f'--tta: model.type is {model["type"]}, expected ImageClassifier')
    model['type'] = 'mlgcn.MirrorAveragedClassifier'
