"""Does an exported file answer as PyTorch does? Image by image, with ties told from errors."""

import copy
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlgcn.apis import LoadedModel
from mlgcn.models.layers.grapher import graph_operators
from mlgcn.ops import pairwise_distances
from mlgcn.ops.knn import split_groups

from .files import ExportedFile, record_edges
from .images import rgb

DISTANCES = 2**22  # held at a time
LARGEST = float(np.finfo(np.float32).max)  # stands for a difference that is not a number
PROBABILITY = 1e-5  # a file's probabilities to those of its own logits
# What counts as rounding. logits: difference relative to max(1, the image's largest |logit|);
# tie: by how much one neighbour may be farther than another and still be equally near, in squared
# distances of normalised features (0 to 4); decisions: share of labels that may change.
LIMITS = {
    'float32': dict(logits=1e-4, tie=2**-18, decisions=1.0),
    'float16': dict(logits=2e-2, tie=2**-6, decisions=0.01),
}


class Parity:
    """Compares a file with the model that it was made from, a batch at a time.

    An image agrees when no logit differs by more than rounding. GKGNet's graphers pick the nearest
    of many keys; where two are equally near up to rounding, two correct programs may pick different
    ones, and the logits then differ by more. Such an image is *explained* if a float64 model shows
    both: no neighbour that the file picked is farther than the true one of its rank, beyond
    rounding; and with these neighbours prescribed its logits are the file's, up to rounding.
    """

    def __init__(self, loaded: LoadedModel, file: ExportedFile, precision: str = 'float32'):
        self.loaded, self.file, self.limits = loaded, file, LIMITS[precision]
        self.images: list[dict[str, Any]] = []  # what was found

    @cached_property
    def exact(self) -> nn.Module:
        return copy.deepcopy(self.loaded.model).double()

    def compare(self, packed: Sequence[dict[str, Any]], batch: int = 1) -> None:
        """Compare on images that the test pipeline packed, `batch` at a time."""
        for first in range(0, len(packed), batch):
            self._add(packed[first : first + batch])

    def _add(self, packed: Sequence[dict[str, Any]]) -> None:
        calibration, pixels = self.loaded.calibration, rgb(packed)
        with record_edges(self.loaded.model) as own:
            expected = self.loaded.logits(packed)
        logits, probabilities = self.file.run(pixels)
        found = self.file.edges(pixels) if own else []
        present = calibration.present(calibration.probabilities(expected))
        flipped = (calibration.present(probabilities) != present).sum(1)
        consistent = np.abs(probabilities - calibration.probabilities(logits)).max(1) <= PROBABILITY
        difference = np.abs(logits.astype(np.float64) - expected)
        difference = np.nan_to_num(difference, nan=LARGEST, posinf=LARGEST)
        limit = self.limits['logits'] * np.maximum(1, np.abs(expected).max(1))
        for i, one in enumerate(packed):
            # of image i, and of its mirror image where the model averages both
            rows = slice(i, None, len(packed))
            edges, own_edges = ([index[rows] for index in every] for every in (found, own))
            image = dict(
                max_difference=float(difference[i].max()),
                mean_difference=float(difference[i].mean()),
                limit=float(limit[i]),
                labels_that_differ=int(flipped[i]),
                agrees=bool(consistent[i] and difference[i].max() <= limit[i]),
                neighbour_rows=sum(index.shape[:3].numel() for index in edges),
                neighbour_rows_that_differ=rows_that_differ(edges, own_edges),
            )
            if own and consistent[i] and not image['agrees']:
                data = self.loaded.model.data_preprocessor(dict(inputs=[one['inputs']]), False)
                exact, excess = replay(self.exact, data['inputs'], edges)
                rest = float(np.abs(exact.numpy()[0] - logits[i]).max())
                image |= dict(
                    excess=excess,
                    excess_of_pytorch=replay(self.exact, data['inputs'], own_edges)[1],
                    difference_to_float64_with_its_neighbours=rest,
                    explained=bool(excess <= self.limits['tie'] and rest <= limit[i]),
                )
            self.images.append(image)

    def summary(self) -> dict[str, Any]:
        """Plain values for the certificate; `verdict`: 'agrees', .. 'up to ties' or 'disagrees'."""
        images, decisions = self.images, len(self.images) * len(self.loaded.classes)
        flipped = sum(image['labels_that_differ'] for image in images)
        verdict = 'disagrees'
        if flipped <= self.limits['decisions'] * decisions:
            if all(image['agrees'] for image in images):
                verdict = 'agrees'
            elif all(image['agrees'] or image.get('explained') for image in images):
                verdict = 'agrees up to ties'
        return dict(
            verdict=verdict,
            limits=self.limits,
            max_difference=max(image['max_difference'] for image in images),
            mean_difference=sum(image['mean_difference'] for image in images) / len(images),
            decisions=decisions,
            decisions_that_differ=flipped,
            equal_label_sets=sum(not image['labels_that_differ'] for image in images),
            per_image=images,
        )


def rows_that_differ(one: Sequence[Tensor], other: Sequence[Tensor]) -> int:
    """Nodes (per group and grapher) whose sets of neighbours are not the same."""
    pairs = ((a.sort(dim=-1).values, b.sort(dim=-1).values) for a, b in zip(one, other))
    return sum(int((a != b).any(dim=-1).sum()) for a, b in pairs)


@torch.no_grad()
def replay(exact: nn.Module, x: Tensor, edges: Sequence[Tensor]) -> tuple[Tensor, float]:
    """A float64 model's logits (B, K) for normalised images x (B, 3, H, W), neighbours prescribed.

    Everything but the choice of neighbours is exact here, so what is left of a difference to
    another run of the model is rounding. The second value says how wrong the choice was: how much
    farther, in squared distance of normalised features, a prescribed neighbour is than the true one
    of its rank, at most; 0 when all are the nearest.
    """
    queue, excess = iter(edges), [0.0]

    def prescribed(x, y, k, dilation=1, groups=1, relative_pos=None):
        index = next(queue)
        excess.append(_excess(x, y, index, dilation, relative_pos))
        return index

    with graph_operators(exact, search=prescribed):
        logits = exact(x.double(), mode='tensor')
    return logits, max(excess)


def _excess(x: Tensor, y: Tensor, index: Tensor, dilation: int, offset: Tensor | None) -> float:
    batch, groups, nodes, k = index.shape
    x, y = (F.normalize(split_groups(t, groups), dim=2).mT for t in (x, y))
    most, step = 0.0, max(DISTANCES // (batch * groups * y.shape[2]), 1)
    for start in range(0, nodes, step):
        part = slice(start, start + step)
        distance = pairwise_distances(x[:, :, part], y)
        if offset is not None:
            distance = distance + offset[part]
        chosen = distance.gather(3, index[:, :, part].long())
        nearest = distance.topk(k * dilation, largest=False).values[..., ::dilation]
        most = max(most, float((chosen - nearest).abs().max()))
    return most
