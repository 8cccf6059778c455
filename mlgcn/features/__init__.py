"""A frozen backbone's stage maps, computed once and stored, and heads trained on them."""

from .extract import extract_features
from .store import FeatureError, FeatureStore
from .training import use_features

__all__ = ['FeatureError', 'FeatureStore', 'extract_features', 'use_features']
