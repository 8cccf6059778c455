"""Weights: published files to ours and back, what a file is, and the passport of our own."""

from .convert import convert, to_published, published_key
from .detect import check_finite, detect, unwrap
from .error import CheckpointError
from .facts import check_classes, describe, implied_classes
from .passport import fingerprint, make_passport, save_weights

__all__ = [
    'CheckpointError',
    'check_classes',
    'check_finite',
    'convert',
    'describe',
    'detect',
    'to_published',
    'fingerprint',
    'implied_classes',
    'make_passport',
    'published_key',
    'save_weights',
    'unwrap',
]
