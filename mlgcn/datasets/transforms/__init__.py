"""Image transforms that mmcv and mmpretrain lack."""

from .multi_scale_crop import MultiScaleCrop

__all__ = ['MultiScaleCrop']
