"""Does an exported file answer as PyTorch does? Image by image, with ties told from errors."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from mlgcn.apis import LoadedModel

from .files import ExportedFile
from .neighbours import graphers, record_edges, replay, rows_that_differ

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
        self.has_graphers = bool(graphers(loaded.model))
        self.exact = None  # the float64 model, when it is needed
        self.images: list[dict[str, Any]] = []  # what was found

    def add(self, packed: Sequence[dict], images: np.ndarray) -> None:
        """Compare on B images: packed by the test pipeline, and the same as (B, H, W, 3) RGB."""
        calibration = self.loaded.calibration
        with record_edges(self.loaded.model) as own:
            expected = self.loaded.logits(packed)
        logits, probabilities = self.file.run(images)
        found = self.file.edges(images) if self.has_graphers else []
        present = calibration.present(calibration.probabilities(expected))
        flipped = (calibration.present(probabilities) != present).sum(1)
        consistent = np.abs(probabilities - calibration.probabilities(logits)).max(1) <= PROBABILITY
        difference = np.abs(logits.astype(np.float64) - expected)
        difference = np.nan_to_num(difference, nan=LARGEST, posinf=LARGEST)
        limit = self.limits['logits'] * np.maximum(1, np.abs(expected).max(1))
        for i in range(len(images)):
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
            if self.has_graphers and consistent[i] and not image['agrees']:
                image |= self._explain(packed[i], logits[i], edges, own_edges, limit[i])
            self.images.append(image)

    def _explain(
        self,
        packed: dict,
        logits: np.ndarray,
        edges: Sequence[Tensor],
        own_edges: Sequence[Tensor],
        limit: float,
    ) -> dict[str, Any]:
        """What a float64 model says about an image whose logits differ."""
        if self.exact is None:
            self.exact = copy.deepcopy(self.loaded.model).double()
        data = self.loaded.model.data_preprocessor(dict(inputs=[packed['inputs']]), False)
        expected, excess = replay(self.exact, data['inputs'], edges)
        _, own_excess = replay(self.exact, data['inputs'], own_edges)
        rest = float(np.abs(expected.numpy()[0] - logits).max())
        return dict(
            excess=excess,
            excess_of_pytorch=own_excess,
            difference_to_float64_with_its_neighbours=rest,
            explained=bool(excess <= self.limits['tie'] and rest <= limit),
        )

    def verdict(self) -> str:
        """'agrees', 'agrees up to ties' or 'disagrees'."""
        decisions = len(self.images) * len(self.loaded.classes)
        if self._sum('labels_that_differ') > self.limits['decisions'] * decisions or not all(
            image['agrees'] or image.get('explained') for image in self.images
        ):
            return 'disagrees'
        return 'agrees' if all(image['agrees'] for image in self.images) else 'agrees up to ties'

    def summary(self) -> dict[str, Any]:
        """Plain values for the certificate."""
        number, labels = len(self.images), 'labels_that_differ'
        return dict(
            limits=self.limits,
            max_difference=max(image['max_difference'] for image in self.images),
            mean_difference=self._sum('mean_difference') / number,
            decisions=number * len(self.loaded.classes),
            decisions_that_differ=self._sum(labels),
            equal_label_sets=sum(not image[labels] for image in self.images),
            per_image=self.images,
        )

    def _sum(self, key: str) -> float:
        return sum(image[key] for image in self.images)
