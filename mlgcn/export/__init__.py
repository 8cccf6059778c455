"""Exported models that provably answer as PyTorch does: files, metadata, parity certificates."""

from .export_model import export_model

__all__ = ['export_model']
