"""Reads a checkpoint: safely, and with published models under our names."""

from typing import Any

import torch.hub
from mmengine.logging import print_log

from .convert import convert
from .detect import detect, unwrap
from .error import CheckpointError, about
from .facts import CLASSIFIERS, KINDS
from .safe_load import guarded, safe_load


def load(file: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
    """:func:`safe_load`, with a whole published model (ADD-GCN, GKGNet) given our names.

    Its `meta['source']` then is 'addgcn' or 'gkgnet'; nothing but its weights is kept.

    Raises:
        CheckpointError: names the file, and what is wrong with it.
    """
    return _ours(file, safe_load(file, map_location, weights_only))


def load_url(url: str, **kwargs: Any) -> dict[str, Any]:
    """torch.hub's download and cache, under the allow-list."""
    kwargs.pop('weights_only', None)
    loaded = guarded(
        url,
        lambda safely: torch.hub.load_state_dict_from_url(url, weights_only=safely, **kwargs),
    )
    return _ours(url, loaded)


def _ours(name: Any, loaded: Any) -> dict[str, Any]:
    with about(name):
        weights = unwrap(loaded)
        meta = loaded.get('meta', {})
        if not isinstance(meta, dict) or not isinstance(meta.get('dataset_meta', {}), dict):
            raise CheckpointError(f"expected dicts in 'meta', found {str(meta)[:80]}")
        source = detect(weights)
        if source not in CLASSIFIERS:
            return loaded
        print_log(f'{name}: {KINDS[source]}, converted', 'current')
        return dict(meta=dict(source=source), state_dict=convert(weights, source))
