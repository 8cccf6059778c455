"""A trained model in use: loaded safely, with its pipeline, class names and calibration."""

from mlgcn.evaluation.calibration import Calibration

from .inferencer import MultiLabelInferencer, Prediction
from .loaded_model import LoadedModel, load_model
from .shipped_configs import is_config

__all__ = [
    'Calibration',
    'LoadedModel',
    'MultiLabelInferencer',
    'Prediction',
    'is_config',
    'load_model',
]
