"""Whether a checkpoint is that of a model, entry by entry."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from .detect import check_finite, unwrap
from .error import CheckpointError

WHAT = ('missing', 'unknown', 'of another shape')


def check_fits(path: str, checkpoint: Mapping[str, Any], model: nn.Module) -> None:
    """Every entry of the model must be in the checkpoint, with its shape, and the reverse.

    Args:
        path: the file, for the message.
        checkpoint: as loaded, with or without the wrappers that :func:`unwrap` knows.
        model: also inside DistributedDataParallel.

    Raises:
        CheckpointError: names the first entries that are missing, left over, of another shape, or
            not finite.
    """
    model = getattr(model, 'module', model)
    weights = unwrap(checkpoint)
    own = model.state_dict()
    missing = [k for k in own if k not in weights]
    extra = [k for k in weights if k not in own]
    shapes = [
        f'{k}: {tuple(weights[k].shape)}, expected {tuple(own[k].shape)}'
        for k in own
        if k in weights and own[k].shape != weights[k].shape
    ]
    if missing or extra or shapes:
        detail = [
            f'{len(keys)} {what} (e.g. {keys[0]})'
            for keys, what in zip((missing, extra, shapes), WHAT)
            if keys
        ]
        raise CheckpointError(
            f'{path} does not fit the config: of {len(own)} entries '
            + ', '.join(detail)
            + '; is it the checkpoint of another model or number of classes?'
        )
    check_finite(weights, path)
