"""Starting a training from a checkpoint: its weights by name, its classes by their names."""

import logging
import re
from collections.abc import Container, Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from .checkpoint import Checkpoint
from .error import CheckpointError, some
from .sources import SOURCES

# what mmpretrain's heads have for each class: (pattern of) name -> axes; ours say so themselves
LINEAR = {r'fc\.(?:weight|bias)': (0,)}
UPSTREAM = {
    'LinearClsHead': LINEAR,
    'MultiLabelLinearClsHead': LINEAR,
    'StackedLinearClsHead': {r'layers\.\d+\.fc\.(?:weight|bias)': (0,)},
    'CSRAClsHead': {r'csra_heads\.\d+\.head\.weight': (0,)},
    'ConvNeXtV2ClsHead': LINEAR,
    'VisionTransformerClsHead': {r'layers\.head\.(?:weight|bias)': (0,)},
}


def class_tensors(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Names of the entries that have a row for each class, with the axes that count classes.

    A head or neck declares them: `class_tensors = {'fc.weight': (0,), 'fc.bias': (0,)}`.
    """
    found = {}
    for path, part in module.named_modules():
        declared = getattr(part, 'class_tensors', UPSTREAM.get(type(part).__name__, {}))
        for key in part.state_dict() if declared else ():
            for pattern, axes in declared.items():
                if re.fullmatch(pattern, key):
                    found[f'{path}.{key}' if path else key] = axes
    return found


def transfer(
    checkpoint: Checkpoint, model: nn.Module, classes: Sequence[str] | None
) -> dict[str, Tensor]:
    """The model's state_dict with all that the checkpoint has for it.

    Rows of classes are moved by the names of the classes; those of other classes keep the model's
    values. One line in the log says what was loaded, and what was not.

    Args:
        checkpoint: of the same model, for the same or other classes, or of parts of it.
        model: initialised; its values are not changed. Parameters that are taken over are marked
            as `loaded`, for the next call.
        classes: the names of its classes, in order; None in `init_cfg`, where they are not known:
            rows of classes start new, and entries that are left over are no fault.

    Raises:
        CheckpointError: nothing fits, or values are not finite; a frozen parameter
            (`requires_grad=False`), which the training could not correct, is not in the checkpoint,
            nor in one that was loaded before.
    """
    checkpoint.check_finite()
    own, weights, kind = model.state_dict(), checkpoint.weights, type(model).__name__
    rows = {key: axes for key, axes in class_tensors(model).items() if key in weights}
    pairs = _pairs(checkpoint.classes, classes or ())
    taken = {}
    for key in own.keys() & weights.keys():
        if key not in rows and own[key].shape == weights[key].shape:
            taken[key] = weights[key]
        elif key in rows and pairs and _fits_but(rows[key], own[key], weights[key]):
            taken[key] = _moved(own[key], weights[key], rows[key], pairs)
    if not taken:
        raise CheckpointError(
            f'{checkpoint.path}: none of its {len(weights)} entries fits {kind}. It is '
            f'{SOURCES[checkpoint.source].kind} ({some(list(weights), 3)}; expected e.g. '
            f'{some(list(own), 3)})'
            + ('' if classes is None else '; for a backbone alone use init_cfg, type Pretrained')
        )
    _check_frozen(checkpoint.path, model, taken)
    missing = [key for key in own if key not in taken and not key.endswith('num_batches_tracked')]
    left = len(weights) - len(taken)
    text = f'{checkpoint.path}: {len(own) - len(missing)} of {len(own)} entries loaded into {kind}'
    text += f', not in it or of another shape: {some(missing, 3)}' if missing else ''
    text += f'; {left} of its {len(weights)} are not used' if left else ''
    if classes is None:
        text += f'; {some(list(rows), 3)} start new, load_from moves them' if rows else ''
    elif rows:
        moved = {classes[new] for _, new in pairs} if rows.keys() & taken.keys() else set()
        new = [name for name in classes if name not in moved]
        left += len(new)
        text += f'; rows of {len(moved)} of {len(classes)} classes moved by their names'
        text += f', these start new: {some(new, 20)}' if new else ''
        text += ' (the file names no classes)' if checkpoint.classes is None else ''
    incomplete = missing or (left and classes is not None)
    print_log(text, 'current', logging.WARNING if incomplete else logging.INFO)
    return {**own, **taken}


def _check_frozen(path: str, model: nn.Module, taken: Container[str]) -> None:
    """Every frozen parameter is among those `taken`, or was in a file that was loaded before."""
    frozen = {key: p for key, p in model.named_parameters() if not p.requires_grad}
    lost = [key for key, p in frozen.items() if key not in taken and not hasattr(p, 'loaded')]
    if lost:
        raise CheckpointError(
            f'{path}: {len(lost)} of the {len(frozen)} frozen parameters of {type(model).__name__}'
            f' are not in it, or have another shape: {some(lost, 3)}. A frozen part is not trained '
            'and must be loaded whole; is it the weights of another model?'
        )
    for key, parameter in model.named_parameters():
        if key in taken:
            parameter.loaded = True


def _pairs(old: Sequence[str] | None, new: Sequence[str]) -> list[tuple[int, int]]:
    """(place in `old`, place in `new`) of the classes that both have."""
    places = {name: i for i, name in enumerate(old or ())}
    return [(places[name], i) for i, name in enumerate(new) if name in places]


def _fits_but(axes: Sequence[int], own: Tensor, value: Tensor) -> bool:
    """Whether two shapes agree but for these axes."""
    shapes = [[n for i, n in enumerate(t.shape) if i not in axes] for t in (own, value)]
    return own.ndim == value.ndim and shapes[0] == shapes[1]


def _moved(
    own: Tensor, value: Tensor, axes: Sequence[int], pairs: Sequence[tuple[int, int]]
) -> Tensor:
    """`own` with the values of the classes in `pairs`, along all `axes`."""
    old, new = (torch.tensor(places) for places in zip(*pairs))
    result, source = own.clone(), value.to(own)
    for axis in axes:
        source = source.index_select(axis, old.to(own.device))
    index = [slice(None)] * own.ndim
    if len(axes) == 1:
        index[axes[0]] = new
    else:  # a matrix of classes: rows and columns
        index[axes[0]], index[axes[1]] = new[:, None], new[None]
    result[tuple(index)] = source
    return result
