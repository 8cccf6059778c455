"""Starting a training from a checkpoint: its weights by name, its classes by their names."""

import logging
import re
from collections.abc import Container, Mapping, Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mlgcn.messages import some

from .checkpoint import Checkpoint
from .safe_load import CheckpointError
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


def class_tensors(module: nn.Module) -> dict[str, tuple[int, ...] | None]:
    """Names of the entries that have a row for each class, with the axes that count classes.

    A head or neck declares them: `class_tensors = {'fc.weight': (0,), 'fc.bias': (0,)}`. Without
    axes, (), an entry depends on all classes together; None: it is no weight, but what a loss
    remembers of the training images.
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
    own, weights = model.state_dict(), checkpoint.weights
    taken = _fitting(checkpoint, model, classes or ())
    if not taken:
        told = f'none of its {len(weights)} entries fits {type(model).__name__}. It is '
        told += f'{SOURCES[checkpoint.source].kind} ({some(weights, 3)}; expected {some(own, 3)})'
        if classes is not None:
            told += '; for a backbone alone use init_cfg, type Pretrained'
        raise CheckpointError(f'{checkpoint.path}: {told}')
    _check_frozen(checkpoint.path, model, taken)
    _log(checkpoint, model, classes, taken)
    return {**own, **taken}


def _fitting(checkpoint: Checkpoint, model: nn.Module, classes: Sequence[str]) -> dict[str, Tensor]:
    """The checkpoint's entries that the model has in this shape, rows of classes moved."""
    own, rows = model.state_dict(), class_tensors(model)
    places = {name: i for i, name in enumerate(checkpoint.classes or ())}
    pairs = [(places[name], i) for i, name in enumerate(classes) if name in places]
    fitting = {}
    for key in own.keys() & checkpoint.weights.keys():
        value = checkpoint.weights[key]
        if key in rows and not rows[key]:
            same = classes and tuple(classes) == checkpoint.classes
            value = value if same and rows[key] is not None else None
        elif key in rows:
            value = _moved(own[key], value, rows[key], pairs)
        if value is not None and value.shape == own[key].shape:
            fitting[key] = value
    return fitting


def _log(
    checkpoint: Checkpoint,
    model: nn.Module,
    classes: Sequence[str] | None,
    taken: Mapping[str, Tensor],
) -> None:
    """One line about what was taken over and what was not."""
    own, weights, known = model.state_dict(), checkpoint.weights, set(checkpoint.classes or ())
    missing = [key for key in own if key not in taken and not key.endswith('num_batches_tracked')]
    rows = class_tensors(model).keys() & weights.keys()
    new = [name for name in classes or () if name not in known or not rows & taken.keys()]
    left, total = len(weights) - len(taken), len(classes or ())
    notes = [
        f'{checkpoint.path}: {len(own) - len(missing)} of {len(own)} entries loaded into '
        + type(model).__name__,
        missing and f'not in it, or for other shapes or classes: {some(missing, 3)}',
        left and f'{left} of its {len(weights)} are not used',
        rows and total and f'rows of {total - len(new)} of {total} classes moved by their names',
        rows and new and f'these start new: {some(new, 20)}',
        rows and new and not known and 'the file names no classes',
        rows and classes is None and f'{some(rows, 3)} start new, load_from moves them',
    ]
    incomplete = missing or (classes is not None and (left or (rows and new)))
    level = logging.WARNING if incomplete else logging.INFO
    print_log('; '.join(filter(None, notes)), 'current', level)


def _check_frozen(path: str, model: nn.Module, taken: Container[str]) -> None:
    """Every frozen parameter is among those `taken`, or was in a file that was loaded before."""
    frozen = {key: p for key, p in model.named_parameters() if not p.requires_grad}
    lost = [key for key, p in frozen.items() if key not in taken and not hasattr(p, 'loaded')]
    if lost:
        told = f'{len(lost)} of the {len(frozen)} frozen parameters of {type(model).__name__}'
        told += f' are not in it, or have another shape: {some(lost, 3)}. A frozen part is not'
        raise CheckpointError(f'{path}: {told} trained: is it the weights of another model?')
    for key, parameter in model.named_parameters():
        if key in taken:
            parameter.loaded = True


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
