"""The function that an exported file holds: from pixels to logits and probabilities."""

import copy

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from mlgcn.apis import LoadedModel

from .neighbours import record_edges


class ExportGraph(nn.Module):
    """A loaded model with its preprocessor before and temperature and sigmoid after it.

    `edges`: also return the neighbours that every grapher finds, (B, G, N, k) each. `half`: weights
    and arithmetic of backbone and neck in float16. The neighbour search and the head stay in
    float32: ADD-GCN's sums over all places of a map can exceed float16's 65,504.
    """

    def __init__(self, loaded: LoadedModel, edges: bool = False, half: bool = False):
        super().__init__()
        self.model, self.edges = loaded.model, edges
        self.preprocessor, self.temperature = (
            self.model.data_preprocessor,
            loaded.calibration.temperature,
        )
        self.dtype = torch.float16 if half else torch.float32
        if half:
            self.model = copy.deepcopy(loaded.model).half()
            self.model.head.float()
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """From resized RGB images (B, H, W, 3), uint8, to logits and probabilities (B, K), float32.

        Probability = sigmoid(logit / temperature).
        """
        bgr = images.permute(0, 3, 1, 2).flip(1)  # the order in which mmcv reads files
        x = self.preprocessor({'inputs': bgr}, False)['inputs']
        with record_edges(self.model) as edges:
            maps = self.model.extract_feat(x.to(self.dtype))
            logits = self.model.head(tuple(feature.float() for feature in maps))
        probabilities = torch.sigmoid(logits / self.temperature)
        return logits, probabilities, *(edges if self.edges else ())

    @torch.no_grad()
    def trace(self, size: tuple[int, int], dynamic_batch: bool) -> ExportedProgram:
        """For images of one size (height, width), one at a time or any number of them."""
        example = torch.zeros(2 if dynamic_batch else 1, *size, 3, dtype=torch.uint8)
        shapes = ({0: Dim('batch')},) if dynamic_batch else None
        self(example)  # errors in words; tables of positions become constants of the file
        return torch.export.export(self, (example,), dynamic_shapes=shapes, strict=False)
