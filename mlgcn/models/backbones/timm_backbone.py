"""Upstream's wrapper of timm's models: maps of transformers too, and a switch to freeze it."""

from mmpretrain.models import TIMMBackbone as UpstreamTIMMBackbone
from torch import Tensor

from mlgcn.registry import MODELS


@MODELS.register_module()
class TIMMBackbone(UpstreamTIMMBackbone):
    """mmpretrain's ``TIMMBackbone``, for heads that take maps; ``frozen=True`` trains those alone.

    Without ``features_only``, the last output is given as a map (B, C, H, W) for every kind of
    model: channels of Swin transformers go first, and the patch tokens of vision transformers (not
    the class token) go back to their places.

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

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """From images (B, 3, H, W) to maps (B, C, h, w), the last the deepest.

        Raises:
            ValueError: the transformer was built for images of another size.
        """
        model = self.timm_model
        try:
            maps = super().forward(x)
        except AssertionError as error:
            raise ValueError(
                f'model.backbone: {error} Build it with img_size={tuple(x.shape[2:])}: timm then '
                'resizes the position embeddings of pretrained weights'
            ) from error
        if getattr(model, 'output_fmt', None) == 'NHWC':
            return tuple(m.permute(0, 3, 1, 2) for m in maps)
        if maps[-1].ndim != 3:
            return maps
        rows, columns = (
            x.shape[i + 2] // size for i, size in enumerate(model.patch_embed.patch_size)
        )
        tokens = (m[:, model.num_prefix_tokens :].transpose(1, 2) for m in maps)
        return tuple(m.unflatten(2, (rows, columns)) for m in tokens)

    def train(self, mode: bool = True) -> 'TIMMBackbone':
        """As upstream, but a frozen backbone stays in evaluation mode."""
        super().train(mode and not self.frozen)
        return self
