"""Starting a training from a checkpoint: its weights by name, its classes by their names."""

import logging
import re
from collections.abc import Container, Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mlgcn.datasets.annotations import some

from .checkpoint import Checkpoint
from .error import CheckpointError
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
        value = weights[key]
        if key in rows:
            value = _moved(own[key], value, rows[key], pairs)
        if value is not None and value.shape == own[key].shape:
            taken[key] = value
    if not taken:
        raise CheckpointError(
            f'{checkpoint.path}: none of its {len(weights)} entries fits {kind}. It is '
            f'{SOURCES[checkpoint.source].kind} ({some(weights, 3)}; expected e.g. {some(own, 3)})'
            + ('' if classes is None else '; for a backbone alone use init_cfg, type Pretrained')
        )
    _check_frozen(checkpoint.path, model, taken)
    _log(checkpoint, kind, own, taken, rows, pairs, classes)
    return {**own, **taken}


def _log(checkpoint, kind, own, taken, rows, pairs, classes) -> None:
    """What was taken over, and what was not, in one line."""
    moved = {classes[new] for _, new in pairs} if rows.keys() & taken.keys() else set()
    new = [name for name in classes or () if name not in moved] if rows else []
    missing = [key for key in own if key not in taken and not key.endswith('num_batches_tracked')]
    left = len(checkpoint.weights) - len(taken)
    notes = [
        f'{checkpoint.path}: {len(own) - len(missing)} of {len(own)} entries loaded into {kind}',
        missing and f'not in it or of another shape: {some(missing, 3)}',
        left and f'{left} of its {len(checkpoint.weights)} are not used',
        rows and classes and f'rows of {len(moved)} of {len(classes)} classes moved by their names',
        new and f'these start new: {some(new, 20)}',
        new and checkpoint.classes is None and 'the file names no classes',
        rows and classes is None and f'{some(rows, 3)} start new, load_from moves them',
    ]
    incomplete = missing or new or (left and classes is not None)
    level = logging.WARNING if incomplete else logging.INFO
    print_log('; '.join(filter(None, notes)), 'current', level)


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


def _moved(
    own: Tensor, value: Tensor, axes: Sequence[int], pairs: Sequence[tuple[int, int]]
) -> Tensor | None:
    """`own` with the values of the classes in `pairs`, along all `axes`.

    None where there are no pairs, or the shapes differ in other axes.
    """
    shapes = [[n for i, n in enumerate(t.shape) if i not in axes] for t in (own, value)]
    if not pairs or own.ndim != value.ndim or shapes[0] != shapes[1]:
        return None
    old, new = (torch.tensor(places, device=own.device) for places in zip(*pairs))
    result, source = own.clone(), value.to(own)
    for axis in axes:
        source = source.index_select(axis, old)
    # two axes, of a matrix of classes: rows and columns
    places = [new] if len(axes) == 1 else [new[:, None], new[None]]
    index = [slice(None)] * own.ndim
    for axis, place in zip(axes, places):
        index[axis] = place
    result[tuple(index)] = source
    return result
