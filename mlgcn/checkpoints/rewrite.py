"""A checkpoint written again with another passport."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from .atomic_files import write_atomically
from .detect import unwrap
from .error import CheckpointError
from .metadata import meta_of


def rewrite(path: str | Path, loaded: Mapping[str, Any], passport: Mapping[str, Any]) -> None:
    """Write a loaded checkpoint with this passport; `path` holds the old file or the whole new one.

    Args:
        path: .safetensors keeps weights and passport alone, .pth all that `loaded` has.
        loaded: a checkpoint as mlgcn's loaders give it.

    Raises:
        CheckpointError: another suffix.
        OSError: it cannot be written.
    """
    path, weights = Path(path), unwrap(loaded)
    if path.suffix == '.safetensors':
        weights = {key: value.contiguous().clone() for key, value in weights.items()}
        data = save(weights, {'format': 'pt', 'passport': json.dumps(passport)})
    elif path.suffix == '.pth':
        rest = loaded if 'state_dict' in loaded else {}
        meta = {**rest.get('meta', {}), **meta_of(passport)}
        buffer = io.BytesIO()
        torch.save({**rest, 'state_dict': weights, 'meta': meta}, buffer)
        data = buffer.getbuffer()
    else:
        raise CheckpointError(f'{path}: expected a name that ends in .safetensors or .pth')
    write_atomically(path, data)
