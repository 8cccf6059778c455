"""A model's answer for one image, and the rule by which its labels are given as present."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from mlgcn.evaluation.calibration import Calibration


@dataclass(frozen=True)
class Prediction:
    """The prediction for one image.

    Args:
        image: its path as given, or 'image 3' (counted from 0) for what has no path.
        labels: (class name, probability) of the labels that are present, the most probable first.
        probabilities: float32 (K,), of every class in the order of the model's `classes`.
        thresholds: float32 (K,), from which labels are present; None where `top_k` alone decides.
        error: why the image could not be read; '' where it could. The rest is empty then.
    """

    image: str
    labels: tuple[tuple[str, float], ...] = ()
    probabilities: np.ndarray | None = None
    thresholds: np.ndarray | None = None
    error: str = ''

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in the json file of `mlgcn predict` (docs/predictions.md)."""
        if self.error:
            return {'image': self.image, 'error': self.error}
        labels = [{'class': name, 'probability': round(p, 7)} for name, p in self.labels]
        # seven decimals: about float32's precision
        values = np.round(self.probabilities.astype(np.float64), 7).tolist()
        return {'image': self.image, 'labels': labels, 'probabilities': values}

    def _repr_html_(self) -> str:
        return Predictions([self])._repr_html_()


class Predictions(list[Prediction]):
    """The predictions for several images; notebooks show them as a table."""

    def _repr_html_(self) -> str:
        options = dict(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        pages = Environment(loader=PackageLoader('mlgcn.apis'), autoescape=True, **options)
        return pages.get_template('predictions.html.j2').render(predictions=self)


@dataclass(frozen=True)
class Decision:
    """When a label is given as present: from its threshold on, among the `top_k`, or both.

    Args:
        classes: K names.
        calibration: the temperature of all probabilities, and the thresholds.
        top_k: the most probable labels; None for any number.
        by_threshold: whether the thresholds count.
        known: labels, by index, that are known to be there (True) or not (False).
        tta: whether logits are averaged over picture and mirror image.
        first_step: whether they are also over the models before and after fine-tuning.
    """

    classes: Sequence[str]
    calibration: Calibration
    top_k: int | None = None
    by_threshold: bool = True
    known: Mapping[int, bool] = field(default_factory=dict)
    tta: bool = False
    first_step: bool = False

    @classmethod
    def of(
        cls,
        classes: Sequence[str],
        calibration: Calibration,
        threshold: float | None = None,
        top_k: int | None = None,
        known: Mapping[int, bool] | None = None,
        tta: bool = False,
    ) -> 'Decision':
        """The decision of a call.

        Args:
            classes, calibration, known: the model's.
            threshold: from this probability on, for all classes, instead of the checkpoint's
                thresholds (0.5 where it has none).
            top_k: the `top_k` most probable labels, whatever their probability; with `threshold`,
                those of them that reach it.
            tta: average the logits of picture and mirror image.

        Raises:
            ValueError: one of them is out of range.
        """
        if threshold is not None:
            if not isinstance(threshold, Real) or not 0 <= threshold <= 1:
                raise ValueError(f'threshold is {threshold!r}, expected a probability from 0 to 1')
            same = np.full(len(classes), threshold, np.float32)
            source = f'threshold {threshold:g} for all classes, as asked for'
            calibration = Calibration(calibration.temperature, same, source)
        if top_k is not None and (not isinstance(top_k, Integral) or top_k < 1):
            raise ValueError(f'top_k is {top_k!r}, expected at least 1, a whole number')
        if top_k is not None and top_k > len(classes):
            raise ValueError(f'top_k is {top_k}, but the model has {len(classes)} classes')
        by_threshold = top_k is None or threshold is not None
        return cls(classes, calibration, top_k, by_threshold, known or {}, tta)

    def __str__(self) -> str:
        said = [f'the {self.top_k} most probable'] if self.top_k is not None else []
        if self.by_threshold:
            said.append(self.calibration.source)
        if self.calibration.temperature != 1:
            said.append(f'temperature {self.calibration.temperature:.3g}')
        if self.tta:
            steps = ' before and after fine-tuning' if self.first_step else ''
            said.append(f'mean of picture and mirror image{steps}')
        if self.known:
            names = [('' if there else 'no ') + self.classes[k] for k, there in self.known.items()]
            said.append(f'known: {", ".join(names)}')
        return ', '.join(said)

    @property
    def thresholds(self) -> np.ndarray | None:
        """float32 (K,), or None where `top_k` alone decides."""
        return self.calibration.thresholds if self.by_threshold else None

    def prediction(self, image: str, logits: np.ndarray) -> Prediction:
        """The prediction for the image of that name with `logits` (K,)."""
        probabilities = self.calibration.probabilities(logits)
        for index, there in self.known.items():
            probabilities[index] = there
        order = np.argsort(-probabilities, kind='stable')[: self.top_k]
        if self.by_threshold:
            order = order[self.calibration.present(probabilities)[order]]
        labels = tuple((self.classes[k], float(probabilities[k])) for k in order)
        return Prediction(image, labels, probabilities, self.thresholds)
