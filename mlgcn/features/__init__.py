"""A frozen backbone's stage maps, computed once and stored, and heads trained on them."""

from .extract import extract_features
from .store import FeatureError, FeatureStore
from .training import use_features
