"""Checkpoints are read without running what they say, whoever wrote them."""

import json
import logging
import os
import pickle
import zipfile
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.logging import HistoryBuffer, print_log
from mmengine.runner import checkpoint as upstream
from safetensors import SafetensorError, safe_open

from .error import CheckpointError
from .metadata import meta_of

STATISTICS = ('mean', 'max', 'min', 'current')
FORCE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'  # torch's own switch, see mlgcn/engine/upstream_patches.py
DAMAGED = (RuntimeError, EOFError, ValueError, KeyError, IndexError, AttributeError, TypeError)
_trusting = False


def trust_checkpoints() -> None:
    """From here on this process unpickles checkpoints that the allow-list refuses (and says so)."""
    global _trusting
    _trusting = True


def statistics_method(owner: Any, name: str) -> Any:
    """What `getattr` may do in a checkpoint: name a statistics method of a log buffer."""
    if owner is not HistoryBuffer or name not in STATISTICS:
        raise pickle.UnpicklingError(f'attribute {name!r} of {owner!r} is not on the allow-list')
    return getattr(owner, name)


def allowed_globals() -> list:
    """Classes that mmengine's own checkpoints (log buffers, numpy scalars) need beside tensors."""
    rest = [item for item in upstream.get_torch_safe_globals() if item is not getattr]
    names = ('builtins.getattr', '__builtin__.getattr')
    return rest + [(statistics_method, name) for name in names]


def safe_load(file: Any, map_location: Any = None, weights_only: bool | None = None) -> Any:
    """`torch.load` restricted to tensors and the allow-list; never falls back on its own.

    Args:
        file: path or file object; a path that ends in .safetensors gives a dict with `state_dict`
            and `meta`, like a checkpoint.
        map_location: as in `torch.load`.
        weights_only: taken for upstream's sake; False is refused.

    Raises:
        CheckpointError: names the file and what it asked for.
    """
    if weights_only is False:
        raise CheckpointError(f'{file}: mlgcn does not unpickle without an allow-list')
    if str(file).endswith('.safetensors'):
        return _load_safetensors(file, map_location)
    _check_zip(file)
    loaded = guarded(
        file, lambda safely: torch.load(file, map_location=map_location, weights_only=safely)
    )
    if isinstance(loaded, dict) and isinstance(loaded.get('meta'), dict):
        text = loaded['meta'].pop('config', None)  # Runner.resume would execute it
        if text is not None:
            loaded['meta']['config_text'] = text
    return loaded


def guarded(file: Any, read: Callable[[bool], Any]) -> Any:
    """`read(True)` under the allow-list; `read(False)` where that is refused and trust was asked.

    Raises:
        CheckpointError: in one line, what `file` asked for or why it is not readable.
    """
    try:
        with torch.serialization.safe_globals(allowed_globals()):
            return read(True)
    except pickle.UnpicklingError as error:
        wanted = _wanted(file, error)
        if not _trusting:
            raise CheckpointError(
                f'{file}: not loaded, because {wanted}. Checkpoints are read with an allow-list '
                '(tensors, numbers, strings, log buffers), so that opening one never runs code; '
                'ask its author for a file that holds only the state_dict or, if you trust its '
                'author with everything on this machine, use --trust-checkpoint'
            ) from error
    except (*DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise  # absent, or not ours to read
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f'{file}: not a readable checkpoint ({reason})') from error
    print_log(
        f'{file}: UNPICKLED IN FULL because of --trust-checkpoint ({wanted}): whatever code is in '
        'it has run with your rights',
        'current',
        logging.WARNING,
    )
    with _unforced():
        return read(False)


@contextmanager
def _unforced():
    forced = os.environ.pop(FORCE, None)
    try:
        yield
    finally:
        if forced is not None:
            os.environ[FORCE] = forced


def _load_safetensors(file: Any, map_location: Any) -> dict[str, Any]:
    """Weights and passport; the format holds nothing that could run."""
    device = str(map_location) if isinstance(map_location, (str, torch.device)) else 'cpu'
    try:
        with safe_open(file, framework='pt', device=device) as opened:
            passport = json.loads((opened.metadata() or {}).get('passport', '{}'))
            weights = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        return dict(meta=meta_of(passport), state_dict=weights)
    except (SafetensorError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f'{file}: not a readable safetensors file ({error})') from error


def _check_zip(file: Any) -> None:
    """Refuse archives whose entries claim more than the file holds, before torch makes room."""
    if not isinstance(file, (str, os.PathLike)) or not zipfile.is_zipfile(file):
        return
    try:
        with zipfile.ZipFile(file) as archive:
            claimed = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise CheckpointError(f'{file}: not a readable checkpoint ({error})') from error
    if claimed > os.path.getsize(file):  # torch does not compress
        raise CheckpointError(
            f'{file}: its entries claim {claimed:,} bytes, but the file has '
            f'{os.path.getsize(file):,}: damaged, or not written by torch.save'
        )


def _wanted(file: Any, error: Exception) -> str:
    """In words: the globals that the file asks for, or the unpickler's first line."""
    try:
        with torch.serialization.safe_globals(allowed_globals()):
            names = torch.serialization.get_unsafe_globals_in_checkpoint(file)
    except Exception:  # an old or damaged file: the unpickler's own words are all there is
        names = []
    if names:
        return 'it asks for ' + ', '.join(sorted(map(str, names)))
    text = str(error).split('Please file')[0].splitlines()
    wanted = [line.strip() for line in text if 'GLOBAL' in line or 'Unsupported' in line]
    return (wanted or [line for line in text if line.strip()] or [type(error).__name__])[0]
