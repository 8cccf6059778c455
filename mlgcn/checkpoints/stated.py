"""What a loaded checkpoint says of itself: its passport and its classes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import Tensor

from .error import CheckpointError
from .facts import OUR_CLASSIFIERS, implied_classes
from .metadata import fingerprint


def passport_of(loaded: Mapping[str, Any], weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Its passport, {} if it has none; CheckpointError if it is that of other weights."""
    passport = loaded.get('meta', {}).get('passport') or {}
    if not isinstance(passport, dict):
        raise CheckpointError(f'expected a dict as its passport, found {str(passport)[:80]}')
    if passport and passport.get('sha256') != fingerprint(weights):
        raise CheckpointError("the weights are not those of its passport's sha256")
    return passport


def classes_of(
    loaded: Mapping[str, Any], passport: Mapping[str, Any], cfg: Config
) -> tuple[str, ...]:
    """The checkpoint's class names; those of the config where it has none."""
    meta = loaded.get('meta', {})
    stated = passport.get('classes') or meta.get('dataset_meta', {}).get('classes')
    source = meta.get('source')
    if not stated and source in OUR_CLASSIFIERS:
        stated = implied_classes(source, len(loaded['state_dict'][OUR_CLASSIFIERS[source]]))
    dataset = (cfg.get('test_dataloader') or {}).get('dataset', {})
    own = dataset.get('classes') or dataset.get('metainfo', {}).get('classes')
    if isinstance(own, (str, Path)):
        own = Path(own).read_text().splitlines()
    if stated and not isinstance(stated, (list, tuple)):
        raise CheckpointError(f'expected a list of class names, found {str(stated)[:80]}')
    if stated and own and list(stated) != list(own):
        raise CheckpointError(
            f'its {len(stated)} classes ({", ".join(map(str, stated[:5]))}, ...) are not the '
            f"config's {len(own)} ({', '.join(map(str, own[:5]))}, ...)"
        )
    if not (stated or own):
        raise CheckpointError(
            'the names of its classes are not known; give them in order, one a line, with '
            '--cfg-options test_dataloader.dataset.classes=FILE'
        )
    return tuple(map(str, stated or own))
