"""Weights: published files to ours and back, what a file is, and the passport of our own."""

from .convert import convert, published_key, to_published
from .detect import check_finite, detect, unwrap
from .error import CheckpointError, about
from .facts import check_classes, describe, implied_classes
from .fits import check_fits
from .metadata import fingerprint, make_passport, save_weights
from .pretrained import Pretrained

__all__ = [
    'CheckpointError',
    'Pretrained',
    'about',
    'check_classes',
    'check_finite',
    'check_fits',
    'convert',
    'describe',
    'detect',
    'fingerprint',
    'implied_classes',
    'make_passport',
    'published_key',
    'save_weights',
    'to_published',
    'unwrap',
]
