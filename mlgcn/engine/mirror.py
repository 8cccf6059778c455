"""Test-time augmentation by the mirror image."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmpretrain.models import ImageClassifier


@contextmanager
def averaged_with_mirror(model: ImageClassifier) -> Iterator[None]:
    """Within, logits are the mean of those of picture and mirror image.

    Logits, not probabilities: a temperature divides logits, and scores files hold them. Backbone
    and head run once, on 2 B images, which takes twice the memory of B.
    """

    def with_mirror(_, args: tuple) -> tuple:
        return torch.cat([args[0], args[0].flip(3)]), *args[1:]

    def mean(_, args: tuple, logits: torch.Tensor) -> torch.Tensor:
        return logits.unflatten(0, (2, -1)).mean(dim=0)

    hooks = (
        model.backbone.register_forward_pre_hook(with_mirror),
        model.head.register_forward_hook(mean),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
