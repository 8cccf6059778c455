"""The function that an exported file holds: from pixels to logits and probabilities."""

import copy

import torch
from torch import Tensor, nn

from mlgcn.apis import LoadedModel
from mlgcn.engine.config_check import ConfigError

from .neighbours import record_edges


class ExportGraph(nn.Module):
    """A loaded model with what surrounds it: normalisation before, temperature and sigmoid after.

    Args:
        loaded: the model; its weights are shared.
        edges: also return the neighbours that every grapher finds, (B, G, N, k) each.
        half: weights and arithmetic of backbone and neck in float16. The neighbour search stays
            in float32, where it always is, and so does the head: ADD-GCN's sums over all places of
            a map can exceed float16's 65,504.

    Raises:
        ConfigError: the data preprocessor does something that the graph would not.
    """

    def __init__(self, loaded: LoadedModel, edges: bool = False, half: bool = False):
        super().__init__()
        before = loaded.model.data_preprocessor
        if type(before).__name__ != 'ClsDataPreprocessor' or before.pad_size_divisor != 1:
            raise ConfigError(
                'data_preprocessor: expected a ClsDataPreprocessor without pad_size_divisor, got '
                f'{type(before).__name__}'
            )
        self.model, self.edges, self.to_rgb = loaded.model, edges, before.to_rgb
        self.dtype = torch.float32
        if half:
            self.model, self.dtype = copy.deepcopy(loaded.model).half(), torch.float16
            self.model.head.float()
        self.temperature = loaded.calibration.temperature
        mean, std = getattr(before, 'mean', torch.zeros(3, 1, 1)), getattr(before, 'std', None)
        self.register_buffer('mean', mean.clone())
        self.register_buffer('std', torch.ones_like(mean) if std is None else std.clone())

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """From resized RGB images (B, H, W, 3), uint8, to logits and probabilities (B, K), float32.

        Probability = sigmoid(logit / temperature).
        """
        x = images.permute(0, 3, 1, 2)
        x = x if self.to_rgb else x.flip(1)
        x = (x.float() - self.mean) / self.std
        with record_edges(self.model) as edges:
            maps = self.model.extract_feat(x.to(self.dtype))
            logits = self.model.head(tuple(feature.float() for feature in maps))
        probabilities = torch.sigmoid(logits / self.temperature)
        return logits, probabilities, *(edges if self.edges else ())
