"""Checkpoints on disk are whole or absent, whenever the process or the machine stops."""

import io
import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from mlgcn.atomic_files import refuse_existing, write_atomically

from .error import CheckpointError
from .metadata import KEY, meta_of

upstream_save = import_module('mmengine.runner.checkpoint').save_checkpoint


def save_weights(
    path: str | Path,
    state_dict: Mapping[str, Tensor],
    metadata: Mapping[str, Any],
    content: Mapping[str, Any] | None = None,
    force: bool = False,
) -> None:
    """Write weights with their metadata, as `.safetensors` (preferred) or `.pth`.

    Args:
        content: what else a .pth is to hold (optimizer, run state, ...); its `meta` gets the
            metadata.
        force: overwrite a file that is there.

    Raises:
        CheckpointError: another suffix.
        FileExistsError: the file is there already.
        OSError: it cannot be written; nothing, or the older file, is there.
    """
    path = Path(path)
    if path.suffix not in ('.safetensors', '.pth'):
        raise CheckpointError(f'{path}: expected a name that ends in .safetensors or .pth')
    refuse_existing(path, force)
    weights = {key: value.contiguous().clone() for key, value in state_dict.items()}
    if path.suffix == '.safetensors':
        data = save(weights, {'format': 'pt', KEY: json.dumps(metadata)})
    else:
        rest = dict(content or {})
        meta = {**rest.get('meta', {}), **meta_of(metadata)}
        data = checkpoint_bytes({**rest, 'meta': meta, 'state_dict': weights})
    write_atomically(path, data)


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
