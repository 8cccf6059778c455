"""A trained model in use: loaded safely, with its pipeline, class names and calibration."""

from mlgcn.evaluation.calibration import Calibration

from .loaded_model import LoadedModel
from .loading import load_model
from .prediction import Decision, Prediction, Predictions
from .shipped_configs import is_config
