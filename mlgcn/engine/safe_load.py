"""Checkpoints are read without running what they say.

Upstream's loader retries a file that the safe unpickler refuses with the unsafe one, and
`Runner.resume` runs the config text found in a checkpoint as Python. Importing mlgcn replaces the
first and takes the second out of reach, for training, resuming, testing and `init_cfg` alike.
"""

import pickle
from typing import Any

import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import checkpoint as upstream

STATISTICS = ('mean', 'max', 'min', 'current')


class CheckpointError(ValueError):
    """A file that is not a checkpoint, is damaged, or asks for more than the allow-list holds."""


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
    """`torch.load` restricted to tensors and the allow-list; never falls back.

    Args:
        file: path or file object.
        map_location: as in `torch.load`.
        weights_only: taken for upstream's sake; False is refused.

    Raises:
        CheckpointError: names the file and what it asked for.
    """
    if weights_only is False:
        raise CheckpointError(f'{file}: mlgcn does not unpickle without an allow-list')
    try:
        with torch.serialization.safe_globals(allowed_globals()):
            loaded = torch.load(file, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f'{file}: not loaded, because {_wanted(file, error)}. Checkpoints are read with an '
            'allow-list (tensors, numbers, strings, log buffers), so that opening one never runs '
            'code; ask its author for a file that holds only the state_dict'
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f'{file}: not a readable checkpoint ({reason})') from error
    if isinstance(loaded, dict) and isinstance(loaded.get('meta'), dict):
        text = loaded['meta'].pop('config', None)  # Runner.resume would execute it
        if text is not None:
            loaded['meta']['config_text'] = text
    return loaded


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


def install() -> None:
    """Put `safe_load` where all of upstream's loaders (local, URL, hub) call it."""
    if not hasattr(upstream, '_safe_torch_load'):
        raise ImportError(
            'this version of mmengine reads checkpoints in a way mlgcn does not know; install '
            'onedl-mmengine 0.10.12 (see requirements/runtime.txt)'
        )
    upstream._safe_torch_load = safe_load
