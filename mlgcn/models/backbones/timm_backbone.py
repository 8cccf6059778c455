"""Upstream's wrapper of timm's models, with a switch to freeze it."""

from mmpretrain.models import TIMMBackbone as UpstreamTIMMBackbone

from mlgcn.registry import MODELS


@MODELS.register_module()
class TIMMBackbone(UpstreamTIMMBackbone):
    """mmpretrain's ``TIMMBackbone``; ``frozen=True`` trains the head alone.

    Args:
        *args, **kwargs: see upstream; ``features_only=True, out_indices=(4,)`` gives the last map.
        frozen: parameters get no gradient and BatchNorm keeps its statistics, so that a training
            step costs little more than inference: for small data sets and for machines without a
            GPU. (Upstream's own backbones call this ``frozen_stages`` and ``norm_eval``.)
    """

    def __init__(self, *args, frozen: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        self.frozen = frozen
        if frozen:
            self.requires_grad_(False)

    def train(self, mode: bool = True) -> 'TIMMBackbone':
        """As upstream, but a frozen backbone stays in evaluation mode."""
        super().train(mode and not self.frozen)
        return self
