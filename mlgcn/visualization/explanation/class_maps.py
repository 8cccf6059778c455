"""Where on the last feature map a label's logit comes from, for any head."""

from collections.abc import Sequence

import torch
from mmpretrain.models import ImageClassifier
from torch import Tensor


def after_backbone(model: ImageClassifier, maps: Sequence[Tensor]) -> Tensor:
    """Logits (B, K) from the backbone's maps, by the model's own neck and head."""
    return model.head(model.neck(maps) if model.with_neck else maps)


def class_maps(
    model: ImageClassifier, maps: Sequence[Tensor], labels: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Gradient times feature, summed over channels, at every place of the last map.

    HiResCAM (Draelos and Carin, "Use HiResCAM instead of Grad-CAM", arXiv 2011.08891). For a
    linear head on pooled features nothing is approximated: after average pooling it is the class
    activation map of Zhou et al. (CVPR 2016) divided by the number of places, after max pooling
    every channel counts at the place of its maximum, and map and bias add up to the logit. For
    other heads it is the first-order term, and of the last map only.

    Args:
        model: in evaluation mode.
        maps: the backbone's output for one image, the last (1, C, H, W).
        labels: n class indices.

    Returns:
        The maps (n, H, W), and (n,): what each logit has beside the sum of its map (the bias, for
        a linear head).

    Raises:
        ValueError: the backbone's last output is not a map.
    """
    last = maps[-1]
    if not isinstance(last, Tensor) or last.dim() != 4:
        seen = tuple(last.shape) if isinstance(last, Tensor) else type(last).__name__
        raise ValueError(
            f'{type(model.backbone).__name__}: its last output is {seen}, not a map '
            '(B, C, H, W), so there is no place on the photograph to point at'
        )
    with torch.enable_grad():
        last = last.detach().requires_grad_()
        logits = after_backbone(model, (*maps[:-1], last))[0, list(labels)]
        found = [
            (torch.autograd.grad(logit, last, retain_graph=True)[0] * last).sum(dim=1)[0]
            for logit in logits
        ]
    found = torch.stack(found).detach()
    return found, logits.detach() - found.sum(dim=(1, 2))
