"""Checkpoints that are whole or absent, whenever the process or the machine stops."""

import io
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from mlgcn.atomic_files import open_atomically, refuse_existing, remove_leftovers, write_atomically

__all__ = [
    'checkpoint_bytes',
    'open_atomically',
    'refuse_existing',
    'remove_leftovers',
    'save_checkpoint',
    'write_atomically',
]
upstream_save = import_module('mmengine.runner.checkpoint').save_checkpoint


def save_checkpoint(
    checkpoint: Any,
    filename: str,
    file_client_args: dict | None = None,
    backend_args: dict | None = None,
) -> None:
    """Upstream's function of this name, atomic where `filename` is a plain path."""
    if file_client_args is not None or backend_args is not None or '://' in str(filename):
        upstream_save(checkpoint, filename, file_client_args, backend_args)
        return
    Path(filename).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(filename, checkpoint_bytes(checkpoint))


def checkpoint_bytes(checkpoint: Any) -> memoryview:
    """What torch.save writes. (Into a file itself it hides a full disk behind a RuntimeError.)"""
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    return buffer.getbuffer()
