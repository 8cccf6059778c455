"""From logits to answers: the temperature and the thresholds that a model is used with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlgcn.checkpoints import CheckpointError
from mlgcn.evaluation.calibration import CalibrationResult
from mlgcn.evaluation.temperature import at_temperature

DEFAULT = 'threshold 0.5, not calibrated'


@dataclass(frozen=True)
class Calibration:
    """`temperature` divides logits; label k is present from the probability `thresholds[k]` on.

    `thresholds` is float32 of shape (K,). `source` says in words where both come from.
    """

    temperature: float
    thresholds: np.ndarray
    source: str

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """sigmoid(logits / temperature), float32 of any shape; computed in float64."""
        return at_temperature(logits, self.temperature)

    def present(self, probabilities: np.ndarray) -> np.ndarray:
        """Whether each label is present: bool (..., K) of probabilities (..., K)."""
        return probabilities >= self.thresholds

    @classmethod
    def default(cls, num_classes: int) -> 'Calibration':
        """Temperature 1 and 0.5 for every class."""
        return cls(1.0, np.full(num_classes, 0.5, np.float32), DEFAULT)

    @classmethod
    def from_passport(cls, passport: Mapping[str, Any], classes: Sequence[str]) -> 'Calibration':
        """That of `passport['calibration']`, the default where there is none.

        Raises:
            CheckpointError: it is not a temperature above 0 and one number per class.
        """
        stated = passport.get('calibration')
        if stated is None:
            return cls.default(len(classes))
        try:
            temperature = float(stated['temperature'])
            thresholds = np.asarray(stated['thresholds'], np.float32)
            source = f'calibrated for {stated["objective"]} on {int(stated["images"])} images'
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise CheckpointError(f"passport['calibration'] is damaged: {error!r}") from error
        if not 0 < temperature < np.inf:
            raise CheckpointError(
                f"passport['calibration']: temperature is {temperature}, expected more than 0"
            )
        if thresholds.shape != (len(classes),) or not np.isfinite(thresholds).all():
            raise CheckpointError(
                f"passport['calibration']: thresholds of shape {thresholds.shape}, expected "
                f'{len(classes)} numbers, one for each class'
            )
        return cls(temperature, thresholds, source)


def calibration_record(
    result: CalibrationResult, classes: Sequence[str], objective: str, per_class: bool
) -> dict[str, Any]:
    """What a passport keeps of a calibration: plain values, see docs/predictions.md."""
    temperature, chosen = result.final.temperature, result.final.thresholds
    return {
        'temperature': float(temperature),
        'thresholds': [float(value) for value in chosen.values],
        'objective': objective,
        'scope': 'per class' if per_class else 'all decisions',
        'images': result.images,
        'pooled': [name for name, shared in zip(classes, chosen.shared) if shared and per_class],
        'pooled_over': chosen.pooled_over,
        'not_reached': [name for name, reached in zip(classes, chosen.reached) if not reached],
        'held_out': {'images': result.held_out, 'before': result.before, 'after': result.after},
    }
