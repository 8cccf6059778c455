"""Classifiers that look at a picture and at its mirror image, before and after fine-tuning."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mlgcn.registry import MODELS

from .heads import MultiLabelHead

FIRST = 'first.'  # of the names of the weights before fine-tuning


@MODELS.register_module()
class MirrorAveragedClassifier(ImageClassifier):
    """An ``ImageClassifier`` whose answer is the mean of those to picture and mirror image.

    In evaluation mode alone: it trains as ``ImageClassifier`` does, on mirrored pictures if the
    pipeline mirrors them, and its weights have the same names. Evaluation takes twice the time.

    Args:
        backbone, neck, head, **kwargs: see upstream.
        first_step: for fine-tuning: beside the model that trains stands `first`, the same one with
            the weights from which it starts and keeps. Evaluation takes the mean of both models'
            logits, in twice the time again (output-space ensemble of Wortsman et al., Robust
            fine-tuning of zero-shot models, CVPR 2022).
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict | None = None,
        head: dict | None = None,
        first_step: bool = False,
        **kwargs: Any,
    ):
        super().__init__(backbone, neck, head, **kwargs)
        self.first = None
        if first_step:
            still = {**backbone, 'frozen': True, 'frozen_layers': 0, 'init_cfg': None}
            self.first = ImageClassifier(still, neck, head).requires_grad_(False)

    def train(self, mode: bool = True) -> 'MirrorAveragedClassifier':
        """As upstream, but `first` stays in evaluation mode."""
        super().train(mode)
        if self.first is not None:
            self.first.eval()
        return self

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
    logits = []
    for step in steps_of(model):
        feats, head = step.extract_feat(inputs), step.head
        if isinstance(head, MultiLabelHead):
            logits.append(head.logits(feats, data_samples and [*data_samples, *data_samples]))
        else:
            logits.append(head(feats))
    return torch.stack(logits).unflatten(1, (2, -1)).mean(dim=(0, 1))


def steps_of(model: ImageClassifier) -> list[ImageClassifier]:
    """The classifiers whose logits are averaged: the model, and what it was before fine-tuning."""
    first = getattr(model, 'first', None)
    return [model] if first is None else [model, first]


def with_first_step(model: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights, and where the model has a `first` also those of it: the same, unless given."""
    whole = len(steps_of(model)) == 1 or any(key.startswith(FIRST) for key in weights)
    return {**weights} if whole else {**weights, **{FIRST + k: v for k, v in weights.items()}}


def use_mirror_average(model: dict) -> None:
    """Make the config of a model, in place, that of a :class:`MirrorAveragedClassifier`.

    Raises:
        ValueError: it is no ``ImageClassifier``.
    """
    name = str(model['type']).rpartition('.')[2]
    if name not in ('ImageClassifier', MirrorAveragedClassifier.__name__):
        raise ValueError(f'--tta: model.type is {model["type"]}, expected ImageClassifier')
    model['type'] = 'mlgcn.MirrorAveragedClassifier'
