"""Data sets with several labels per image, and their transforms."""

from . import transforms
from .base import MultiLabelPhotos
from .coco import CocoMultiLabel
from .csv_labels import CsvMultiLabel
from .own_photos import own_photos, use_own_photos
from .voc import VOCMultiLabel

__all__ = [
    'CocoMultiLabel',
    'CsvMultiLabel',
    'MultiLabelPhotos',
    'VOCMultiLabel',
    'own_photos',
    'transforms',
    'use_own_photos',
]
