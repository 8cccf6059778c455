"""Image transforms that mmcv and mmpretrain lack."""

from .crop_mix import CropMix
from .cut_out import CutOut
from .load_image import LoadImage
from .multi_scale_crop import MultiScaleCrop
from .trivial_augment import TrivialAugment

__all__ = ['CropMix', 'CutOut', 'LoadImage', 'MultiScaleCrop', 'TrivialAugment']
