"""Upstream's wrapper of timm's models: maps of transformers too, frozen whole or in part."""

from collections.abc import Sequence
from functools import cached_property

import torch
from mmpretrain.models import TIMMBackbone as UpstreamTIMMBackbone
from timm.models import group_parameters
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
        out_indices: without ``features_only``, stages (timm's ``feature_info``) whose maps come
            before the last output; that one has what ``features_only`` leaves out: EfficientNets'
            last 1x1 convolution, transformers' last norm.
        frozen: parameters get no gradient and BatchNorm keeps its statistics, so that a training
            step costs little more than inference: for small data sets and for machines without a
            GPU. (Upstream's own backbones call this ``frozen_stages`` and ``norm_eval``.)
        frozen_layers: the same for the first so many layers alone, in timm's groups (`depths`).
    """

    def __init__(
        self,
        *args,
        features_only: bool = False,
        out_indices: Sequence[int] = (),
        frozen: bool = False,
        frozen_layers: int = 0,
        **kwargs,
    ):
        if features_only and out_indices:
            kwargs['out_indices'] = out_indices
        super().__init__(*args, features_only=features_only, **kwargs)
        self.stages = () if features_only else tuple(out_indices)
        # what the maps are, also for features on disk
        self.out_indices = tuple(out_indices) if features_only else (*out_indices, 'last')
        self.frozen = frozen
        self.frozen_layers = frozen_layers
        if frozen:
            self.requires_grad_(False)
        if frozen_layers:
            for name, parameter in self.timm_model.named_parameters():
                parameter.requires_grad_(self.depths[name] >= frozen_layers)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """From images (B, 3, H, W) to maps (B, C, h, w), the last the deepest.

        Raises:
            ValueError: the transformer was built for images of another size.
        """
        if x.device.type == 'cpu':  # oneDNN's depthwise convolutions: a step takes two thirds
            x = x.contiguous(memory_format=torch.channels_last)
        try:
            if self.stages:
                last, maps = self.timm_model.forward_intermediates(x, indices=list(self.stages))
            else:
                *rest, last = super().forward(x)
                maps = [self._as_map(m, x) for m in rest]
        except AssertionError as error:
            advice = f'Build it with img_size={tuple(x.shape[2:])}: timm resizes its embeddings'
            raise ValueError(f'model.backbone: {error} {advice}') from error
        return (*maps, self._as_map(last, x))

    def _as_map(self, output: Tensor, x: Tensor) -> Tensor:
        """An output of the model for images x as a map (B, C, h, w)."""
        model = self.timm_model
        if getattr(model, 'output_fmt', None) == 'NHWC':
            return output.permute(0, 3, 1, 2)
        if output.ndim != 3:
            return output
        grid = [x.shape[i + 2] // size for i, size in enumerate(model.patch_embed.patch_size)]
        return output[:, model.num_prefix_tokens :].transpose(1, 2).unflatten(2, grid)

    @cached_property
    def depths(self) -> dict[str, int]:
        """The layer of every parameter of the timm model in timm's groups, 0 the first.

        Raises:
            ValueError: with ``features_only``, timm does not say.
        """
        if not hasattr(self.timm_model, 'group_matcher'):
            told = 'frozen_layers and rates by layer need features_only=False (and out_indices)'
            raise ValueError(f'model.backbone: {told}')
        return group_parameters(self.timm_model, self.timm_model.group_matcher(), reverse=True)

    def get_layer_depth(self, param_name: str, prefix: str = '') -> tuple[int, int]:
        """For mmpretrain's `LearningRateDecayOptimWrapperConstructor`: where a parameter is.

        Args:
            param_name: its name in the whole model.
            prefix: of the backbone's names there.

        Returns:
            its layer, and the number of layers; neck and head are the last one.
        """
        last = max(self.depths.values()) + 1
        return self.depths.get(param_name.removeprefix(f'{prefix}timm_model.'), last), last + 1

    def train(self, mode: bool = True) -> 'TIMMBackbone':
        """As upstream, but what is frozen stays in evaluation mode."""
        super().train(mode and not self.frozen)
        for module in self.modules() if self.frozen_layers else ():
            parameters = list(module.parameters(recurse=False))
            if parameters and not any(p.requires_grad for p in parameters):
                module.eval()
        return self
