"""Necks: between a backbone's stage maps and a head."""

from .joined_maps import JoinedMaps
from .label_graph import LabelGraphNeck
