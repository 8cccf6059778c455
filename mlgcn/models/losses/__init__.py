"""Losses that upstream lacks."""

from .binary_cross_entropy import BinaryCrossEntropy

__all__ = ['BinaryCrossEntropy']
