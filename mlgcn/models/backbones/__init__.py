"""Backbones: from images to the feature maps of their stages."""

from .cvt import CvT
from .pyramid_vig import PyramidViG
from .timm_backbone import TIMMBackbone
