"""What a file of weights is: found from its names alone, without building a model."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from .error import CheckpointError
from .tables import MARKS

PREFIXES = ('module.', 'model.')


def unwrap(loaded: Any) -> dict[str, Tensor]:
    """The state_dict in what a file held: out of `state_dict` or `state_dict_ema`, no prefixes.

    `state_dict` is preferred; `module.` and `model.` are taken off when every key has them.

    Raises:
        CheckpointError: there is no state_dict in it.
    """
    if isinstance(loaded, Mapping):
        for wrapper in ('state_dict', 'state_dict_ema'):
            if isinstance(loaded.get(wrapper), Mapping):
                loaded = loaded[wrapper]
                break
    if not isinstance(loaded, Mapping) or not loaded:
        seen = 'an empty dict' if loaded == {} else f'a {type(loaded).__name__}'
        raise CheckpointError(f'expected a state_dict (names and tensors), found {seen}')
    other = [k for k, v in loaded.items() if not (isinstance(k, str) and isinstance(v, Tensor))]
    if other:
        raise CheckpointError(f'expected a state_dict (names and tensors), found {some(other)}')
    weights = dict(loaded)
    while found := [p for p in PREFIXES if all(key.startswith(p) for key in weights)]:
        weights = {key[len(found[0]) :]: value for key, value in weights.items()}
    return weights


def detect(state_dict: Mapping[str, Any]) -> str:
    """Whose weights these are.

    Returns:
        'addgcn', 'gkgnet', 'pvig', 'mmpretrain' (its Pyramid ViG), 'torchvision' (a ResNet), 'timm'
        (an EfficientNet), 'mlgcn' (a classifier of mmpretrain's or ours) or 'unknown'.
    """
    weights = unwrap(state_dict)
    for source, mark in MARKS.items():
        if mark in weights:
            return source
    parts = {key.split('.')[0] for key in weights}
    return 'mlgcn' if {'backbone', 'head'} <= parts <= {'backbone', 'neck', 'head'} else 'unknown'


def check_finite(state_dict: Mapping[str, Tensor], name: str) -> None:
    """Raise a CheckpointError that names the entries of file `name` with NaN or infinite values."""
    bad = [k for k, v in state_dict.items() if v.is_floating_point() and not v.isfinite().all()]
    if bad:
        raise CheckpointError(f'{name}: NaN or infinite values in {some(bad)}')


def some(keys: Sequence[str], most: int = 10) -> str:
    more = f', ... ({len(keys) - most} more)' if len(keys) > most else ''
    return ', '.join(map(str, keys[:most])) + more
