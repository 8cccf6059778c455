"""Data sets with several labels per image, and their transforms."""

from . import transforms
from .base import MultiLabelPhotos
from .coco import CocoMultiLabel, JsonMultiLabel
from .csv_labels import CsvMultiLabel
from .own_photos import own_photos, readers, unite_classes, use_own_photos
from .partial_labels import PartialLabels
from .voc import VOCMultiLabel
