"""Backbones: from images to the feature maps of their stages."""

from .pyramid_vig import PyramidViG

__all__ = ['PyramidViG']
