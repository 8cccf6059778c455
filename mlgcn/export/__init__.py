"""Exported models: files, metadata, and certificates of parity with PyTorch."""

from .export_model import export_model
