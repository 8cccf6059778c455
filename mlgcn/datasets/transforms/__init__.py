"""Image transforms that mmcv and mmpretrain lack."""

from .augment import CutOut, TrivialAugment
from .crops import CropMix, MultiScaleCrop
from .load_image import LoadImage
