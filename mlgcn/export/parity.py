"""Does an exported file answer as PyTorch does? Image by image, with ties told from errors."""

import copy
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor, nn

from mlgcn.apis import LoadedModel

from .files import ExportedFile
from .images import rgb
from .neighbours import record_edges, replay, rows_that_differ

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
            edges, own_edges = ([index[i : i + 1] for index in every] for every in (found, own))
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
                x = self.loaded.model.data_preprocessor(dict(inputs=[one['inputs']]), False)
                image |= self._explain(x['inputs'], logits[i], edges, limit[i])
                image['excess_of_pytorch'] = replay(self.exact, x['inputs'], own_edges)[1]
            self.images.append(image)

    def _explain(
        self, x: Tensor, logits: np.ndarray, edges: Sequence[Tensor], limit: float
    ) -> dict[str, Any]:
        """What a float64 model says about an image x (1, 3, H, W) whose logits differ."""
        expected, excess = replay(self.exact, x, edges)
        rest = float(np.abs(expected.numpy()[0] - logits).max())
        return dict(
            excess=excess,
            difference_to_float64_with_its_neighbours=rest,
            explained=bool(excess <= self.limits['tie'] and rest <= limit),
        )

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
