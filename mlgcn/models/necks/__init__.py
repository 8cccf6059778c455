"""Necks: between a backbone's stage maps and a head."""

from .label_graph import LabelGraphNeck

__all__ = ['LabelGraphNeck']
