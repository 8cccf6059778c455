"""Does an exported file answer as PyTorch does? Image by image, with ties told from errors."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from mlgcn.apis import LoadedModel

from .neighbours import graphers, record_edges, replay, rows_that_differ

LARGEST = float(np.finfo(np.float32).max)  # stands for a difference that is not a number
PROBABILITY = 1e-5  # a file's probabilities to those of its own logits


@dataclass(frozen=True)
class Limits:
    """What counts as rounding.

    Args:
        logits: difference relative to max(1, the image's largest |logit|).
        tie: by which one neighbour may be farther than another and still be equally near, in
            squared distances between normalised features (0 to 4).
        decisions: share of labels that may become present or absent.
    """

    logits: float
    tie: float
    decisions: float


LIMITS = {'float32': Limits(1e-4, 2**-18, 1.0), 'float16': Limits(2e-2, 2**-6, 0.01)}


class ExportedFile(Protocol):
    """What :class:`OnnxFile` and :class:`TorchExportFile` have in common."""

    packages: tuple[str, ...]
    metadata: Mapping[str, str]

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...

    def edges(self, images: np.ndarray) -> list[Tensor]: ...


@dataclass(frozen=True)
class Ties:
    """What float64 says about an image whose logits differ: see :class:`Parity`.

    `excess` is that of the file's neighbours, `own_excess` that of PyTorch's; `difference` is left
    between the file's logits and those of the float64 model with the file's neighbours.
    """

    excess: float
    own_excess: float
    difference: float
    explained: bool


@dataclass(frozen=True)
class ImageResult:
    """One image: differences of its logits, labels and neighbour rows between file and PyTorch."""

    largest_logit: float
    max_difference: float
    mean_difference: float
    labels_that_differ: int
    agrees: bool
    rows: int = 0
    rows_that_differ: int = 0
    ties: Ties | None = None


class Parity:
    """Compares a file with the model that it was made from, a batch at a time.

    An image agrees when no logit differs by more than rounding. GKGNet's graphers pick the nearest
    of many keys; where two are equally near up to rounding, two correct programs may pick different
    ones, and the logits then differ by more. Such an image is *explained* if a float64 model shows
    both: no neighbour that the file picked is farther than the true one of its rank, beyond
    rounding; and with these neighbours prescribed its logits are the file's, up to rounding.

    Args:
        loaded: the model.
        file: what was written.
        precision: of the file, a key of LIMITS.
    """

    def __init__(self, loaded: LoadedModel, file: ExportedFile, precision: str = 'float32'):
        self.loaded, self.file, self.limits = loaded, file, LIMITS[precision]
        self.has_graphers = bool(graphers(loaded.model))
        self.exact = None  # the float64 model, when it is needed
        self.results: list[ImageResult] = []

    def add(self, packed: Sequence[dict], images: np.ndarray) -> None:
        """Compare on B images: packed by the test pipeline, and the same as (B, H, W, 3) RGB."""
        calibration = self.loaded.calibration
        with record_edges(self.loaded.model) as own:
            expected = self.loaded.logits(packed)
        logits, probabilities = self.file.run(images)
        found = self.file.edges(images) if self.has_graphers else []
        present = calibration.present(calibration.probabilities(expected))
        flipped = (calibration.present(probabilities) != present).sum(1)
        scaled = np.abs(probabilities - calibration.probabilities(logits)).max(1)
        difference = np.abs(logits.astype(np.float64) - expected)
        difference = np.nan_to_num(difference, nan=LARGEST, posinf=LARGEST)
        largest = np.maximum(1, np.abs(expected).max(1))
        for i in range(len(images)):
            edges, own_edges = ([index[i : i + 1] for index in every] for every in (found, own))
            consistent = scaled[i] <= PROBABILITY
            agrees = difference[i].max() <= self.limits.logits * largest[i]
            ties = None
            if self.has_graphers and consistent and not agrees:
                ties = self._ties(packed[i], logits[i], edges, own_edges, largest[i])
            self.results.append(
                ImageResult(
                    largest_logit=float(largest[i]),
                    max_difference=float(difference[i].max()),
                    mean_difference=float(difference[i].mean()),
                    labels_that_differ=int(flipped[i]),
                    agrees=bool(agrees and consistent),
                    rows=sum(index.shape[:3].numel() for index in edges),
                    rows_that_differ=rows_that_differ(edges, own_edges),
                    ties=ties,
                )
            )

    def _ties(
        self,
        packed: dict,
        logits: np.ndarray,
        edges: Sequence[Tensor],
        own_edges: Sequence[Tensor],
        largest: float,
    ) -> Ties:
        if self.exact is None:
            self.exact = copy.deepcopy(self.loaded.model).double()
        data = self.loaded.model.data_preprocessor(dict(inputs=[packed['inputs']]), False)
        expected, excess = replay(self.exact, data['inputs'], edges)
        _, own_excess = replay(self.exact, data['inputs'], own_edges)
        difference = float(np.abs(expected.numpy()[0] - logits).max())
        explained = excess <= self.limits.tie and difference <= self.limits.logits * largest
        return Ties(excess, own_excess, difference, bool(explained))

    @property
    def beyond(self) -> list[ImageResult]:
        """The images that do not agree."""
        return [result for result in self.results if not result.agrees]

    def verdict(self) -> str:
        """'agrees', 'agrees up to ties' or 'disagrees'."""
        flipped = sum(result.labels_that_differ for result in self.results)
        if flipped > self.limits.decisions * len(self.results) * len(self.loaded.classes):
            return 'disagrees'
        if not self.beyond:
            return 'agrees'
        explained = all(result.ties and result.ties.explained for result in self.beyond)
        return 'agrees up to ties' if explained else 'disagrees'

    def summary(self) -> dict[str, Any]:
        """Plain values for the certificate."""
        number = len(self.results)
        flipped = [result.labels_that_differ for result in self.results]
        summary: dict[str, Any] = dict(
            limits=asdict(self.limits),
            logits=dict(
                max_difference=max(result.max_difference for result in self.results),
                mean_difference=sum(result.mean_difference for result in self.results) / number,
                largest=max(result.largest_logit for result in self.results),
            ),
            images_beyond_limit=len(self.beyond),
            share_beyond_limit=len(self.beyond) / number,
            label_sets=dict(
                images=number,
                equal=flipped.count(0),
                decisions=number * len(self.loaded.classes),
                decisions_that_differ=sum(flipped),
            ),
        )
        if self.has_graphers:
            summary['neighbours'] = self._neighbours()
        return summary

    def _neighbours(self) -> dict[str, Any]:
        differing = [result.rows_that_differ for result in self.results]
        ties = [result.ties for result in self.beyond if result.ties]
        neighbours: dict[str, Any] = dict(
            rows=sum(result.rows for result in self.results),
            rows_that_differ=sum(differing),
            images_with_such_rows=sum(map(bool, differing)),
            images_explained=sum(tie.explained for tie in ties),
        )
        if ties:
            neighbours |= dict(
                largest_excess_of_file=max(tie.excess for tie in ties),
                largest_excess_of_pytorch=max(tie.own_excess for tie in ties),
                difference_to_float64_with_its_neighbours=max(tie.difference for tie in ties),
            )
        return neighbours
