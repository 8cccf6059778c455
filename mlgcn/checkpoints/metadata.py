"""The metadata of a checkpoint: what its weights are, in plain values; and files that hold both."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.fileio import get_file_backend
from safetensors.torch import save
from torch import Tensor

from mlgcn.atomic_files import refuse_existing, write_atomically

from .safe_load import CheckpointError

KEY = 'mlgcn_metadata'  # in a checkpoint's `meta`, and in the metadata of .safetensors


def make_metadata(
    state_dict: Mapping[str, Tensor],
    classes: Sequence[str] | None,
    licence: str,
    cfg: Config | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A dict of plain values.

    Its keys: `mlgcn` (version), `classes` (names in the order of the logits, or None), `input_size`
    ([height, width] in pixels of the test pipeline, or None), `normalisation` (mean, std and to_rgb
    of the data preprocessor, or None), `config` (the whole config as JSON text, or None),
    `licence`, `sha256` of the weights (:func:`fingerprint`), and `more`.
    """
    from mlgcn import __version__

    cfg = Config() if cfg is None else cfg
    preprocessor = cfg.get('data_preprocessor') or cfg.get('model', {}).get('data_preprocessor')
    return {
        'mlgcn': __version__,
        'classes': None if classes is None else [str(name) for name in classes],
        'input_size': input_size(cfg),
        'normalisation': preprocessor
        and {key: preprocessor.get(key) for key in ('mean', 'std', 'to_rgb')},
        'config': json.dumps(cfg.to_dict(), default=str) if len(cfg) else None,
        'licence': licence,
        'sha256': fingerprint(state_dict),
        **more,
    }


def fingerprint(state_dict: Mapping[str, Tensor]) -> str:
    """sha256, in hex, of names, types, shapes and bytes, in the order of the names.

    The same for the same weights in whatever file and order.
    """
    digest = hashlib.sha256()
    for key in sorted(state_dict):
        value = state_dict[key].detach().cpu().contiguous()
        digest.update(f'{key} {value.dtype} {tuple(value.shape)}\n'.encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def meta_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The `meta` of a checkpoint with this metadata, as mmengine's checkpoints have it."""
    meta: dict[str, Any] = {KEY: dict(metadata)}
    if metadata.get('classes'):
        meta['dataset_meta'] = {'classes': tuple(metadata['classes'])}
    if metadata.get('source'):
        meta['source'] = metadata['source']
    return meta


def input_size(cfg: Config) -> list[int] | None:
    """[height, width] that the test pipeline's last resize or crop gives."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    for transform in reversed(dataset.get('pipeline') or []):
        size = transform.get('crop_size') or transform.get('scale')
        if isinstance(size, int):
            return [size, size]
        if size:  # mmcv: (width, height)
            return [int(size[1]), int(size[0])]
    return None


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
    data, storage = checkpoint_bytes(checkpoint), backend_args or file_client_args
    if storage or '://' in str(filename):
        get_file_backend(filename, backend_args=storage).put(data, filename)
        return
    Path(filename).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(filename, data)


def checkpoint_bytes(checkpoint: Any) -> memoryview:
    """What torch.save writes. (Into a file itself it hides a full disk behind a RuntimeError.)"""
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    return buffer.getbuffer()
