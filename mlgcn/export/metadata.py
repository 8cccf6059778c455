"""What an exported file says about itself, in plain values."""

import json
from collections.abc import Mapping
from typing import Any

import mlgcn
from mlgcn.apis import LoadedModel
from mlgcn.checkpoints import fingerprint

from .resize_rule import ResizeRule


def describe(loaded: LoadedModel, rule: ResizeRule, precision: str) -> dict[str, Any]:
    """The metadata: everything between a photograph and its labels that is not in the graph.

    `classes` and `thresholds` (compared with the probabilities, present from there on) in the
    order of the outputs; `resize`; `input` in words; for reference also what the graph does
    already: `normalisation` and `temperature`.
    """
    before, calibration = loaded.model.data_preprocessor, loaded.calibration
    normalisation = None
    if hasattr(before, 'mean'):
        normalisation = {key: getattr(before, key).flatten().tolist() for key in ('mean', 'std')}
    return {
        'mlgcn': mlgcn.__version__,
        'classes': list(loaded.classes),
        'thresholds': [float(value) for value in calibration.thresholds],
        'thresholds_from': calibration.source,
        'input': f'images: uint8 (batch, {rule.height}, {rule.width}, 3), RGB, 0 to 255',
        'resize': rule.describe(),
        'normalisation': normalisation,
        'temperature': calibration.temperature,
        'precision': precision,
        'weights_sha256': fingerprint(loaded.model.state_dict()),
        'licence': loaded.passport.get('licence', 'No licence stated.'),
    }


def as_text(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Every value as JSON text, which is what the files can hold."""
    return {key: json.dumps(value, ensure_ascii=False) for key, value in metadata.items()}
