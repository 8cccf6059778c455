"""Published weights to ours and back: strict functions from state_dict to state_dict."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from mlgcn.messages import some
from mlgcn.models.backbones.pyramid_vig import REDUCTIONS
from mlgcn.ops.relative_pos import relative_position

from .safe_load import CheckpointError
from .sources import source_of
from .tables import DROPPED, HEADS, PARTS, SYSTEMS, TRESNET, Rows, rows

PREFIXES = ('module.', 'model.')
ABN_EPS = 1e-5  # InPlaceABN multiplies by |weight| + eps
ABN = re.compile(re.escape(TRESNET) + r'.*\bbn\.weight')
Q2L_CLASSIFIER = ('fc.W', 'fc.b')  # (1, K, D) and (1, K)


def unwrap(content: Any) -> dict[str, Tensor]:
    """The state_dict in a file's content: out of `state_dict`, `state_dict_ema` or `model`.

    They are looked for in this order; `module.` and `model.` are taken off when every key has them.

    Raises:
        CheckpointError: there is no state_dict in it.
    """
    if isinstance(content, Mapping):
        for wrapper in ('state_dict', 'state_dict_ema', 'model'):
            if isinstance(content.get(wrapper), Mapping):
                content = content[wrapper]
                break
    if not isinstance(content, Mapping) or not content:
        seen = 'an empty dict' if content == {} else f'a {type(content).__name__}'
        raise CheckpointError(f'expected a state_dict (names and tensors), found {seen}')
    other = [k for k, v in content.items() if not (isinstance(k, str) and isinstance(v, Tensor))]
    if other:
        raise CheckpointError(f'expected a state_dict (names and tensors), found {some(other)}')
    weights = dict(content)
    while found := [p for p in PREFIXES if all(key.startswith(p) for key in weights)]:
        weights = {key[len(found[0]) :]: value for key, value in weights.items()}
    return weights


def detect(state_dict: Mapping[str, Any]) -> str:
    """Whose names the entries of a state_dict have: a key of `sources.SOURCES`."""
    return source_of(unwrap(state_dict))


def convert(
    state_dict: Mapping[str, Any], source: str, part: str | None = None
) -> dict[str, Tensor]:
    """Published weights under the names of our models (`backbone.`, `neck.`, `head.`).

    What our models compute themselves or do not have is dropped by name (`tables.DROPPED`).

    Args:
        state_dict: with or without the wrappers that :func:`unwrap` knows.
        source: one of `tables.SYSTEMS` or `tables.HEADS`; see :func:`detect`.
        part: 'head' for the entries of a peer's head alone, as the published module names them;
            the result then fits our head module (no `head.`).

    Raises:
        CheckpointError: lists the entries that such a file does not have.
    """
    weights = unwrap(state_dict)
    table, starts = _table(source, part, weights), _starts(weights)
    ours, unknown = {}, []
    for key, value in weights.items():
        name = _renamed(key, table, starts)
        if name in ours:
            raise CheckpointError(f'{key} and another entry stand for {name}: two models in one?')
        if name is not None:
            ours[name] = _our_value(key, name, value)
        elif source not in DROPPED or not re.fullmatch(DROPPED[source], key):
            unknown.append(key)
    _refuse(unknown, f'the published {source} {part or "weights"}')
    for name in [key for key in ours if key.endswith('.running_mean')]:
        # files of old versions of torch and InPlaceABN lack it, frozen batch norms too
        ours.setdefault(name.replace('running_mean', 'num_batches_tracked'), torch.tensor(0))
    return ours


def to_published(
    state_dict: Mapping[str, Any], target: str, part: str | None = None
) -> dict[str, Tensor]:
    """Our weights under the published names, so that the published code loads them.

    The reverse of :func:`convert` for 'addgcn', 'gkgnet' and the peers. `mask_mat` and the
    `relative_pos` tables that the first two keep in their files are computed again; what files of
    peers hold besides (tables of positions, classifiers of ImageNet) is not made.

    Raises:
        CheckpointError: lists the entries that the published model does not have; a batch norm has
            weights that InPlaceABN cannot have.
    """
    weights = unwrap(state_dict)
    table, starts = _table(target, part, weights), _starts(weights)
    if target not in ('addgcn', 'gkgnet', *HEADS):
        raise CheckpointError(f"only to 'addgcn', 'gkgnet' and the peers, got {target!r}")
    published, unknown = {}, []
    for key, value in weights.items():
        name = _renamed(key, table, starts, reverse=True)
        if name is not None:
            published[name] = _published_value(key, name, value)
        # published ML-GCN files do not hold the label vectors
        elif target != 'ml_gcn' or key not in ('embeddings', 'head.embeddings'):
            unknown.append(key)
    _refuse(unknown, f'our {part or "model"} for the published {target}')
    if target == 'addgcn' and 'fc.weight' in published:
        return {'mask_mat': torch.eye(len(published['fc.weight'])), **published}
    return {**published, **(_relative_positions(weights, starts) if target == 'gkgnet' else {})}


def published_key(key: str, source: str, depths: Sequence[int] = (2, 2, 6, 2)) -> str:
    """The published model's name of our state_dict entry `key`; KeyError when it has none.

    Args:
        depths: blocks of the four stages of Pyramid ViG.
    """
    name = _renamed(key, rows(source, ()), _starts_of(depths), reverse=True)
    if name is None:
        raise KeyError(f'{key!r} has no counterpart in the published {source} model')
    return name


def _our_value(key: str, name: str, value: Tensor) -> Tensor:
    if ABN.fullmatch(name):
        return value.abs() + ABN_EPS
    if name.startswith('neck.') and value.ndim == 4:  # 1x1 convolutions over labels are Conv1d
        return value.squeeze(3)
    return value.squeeze(0) if key in Q2L_CLASSIFIER else value


def _published_value(name: str, key: str, value: Tensor) -> Tensor:
    if ABN.fullmatch(name):
        if (value < ABN_EPS).any():
            seen = f'{int((value < ABN_EPS).sum())} of {value.numel()} weights'
            told = f'are below {ABN_EPS:g}, as none of InPlaceABN (|weight| + eps) can be'
            raise CheckpointError(f'{name}: {seen} {told}')
        return value - ABN_EPS
    if name.startswith('neck.') and value.ndim == 3:
        return value.unsqueeze(3)
    return value.unsqueeze(0) if key in Q2L_CLASSIFIER else value


def _relative_positions(ours: Mapping[str, Tensor], starts: Sequence[int]) -> dict[str, Tensor]:
    """The tables (1, N, M) of a published GKGNet, one for all blocks of a stage."""
    tables = {}
    for key in ours:
        if found := re.fullmatch(r'backbone\.stages\.(\d)\.blocks\.(\d+)\.ffn\.fc1\.0\.bias', key):
            stage, index = int(found[1]), int(found[2])
            height, width = ours['backbone.pos_embed'].shape[2:]
            channels = len(ours[key.replace('ffn', 'grapher')])
            grid, nodes = (height >> stage, width >> stage), height * width >> 2 * stage
            table = relative_position(channels, grid, REDUCTIONS[stage], nodes)
            name = f'backbone.backbone.{starts[stage] + index}.0.relative_pos'
            tables[name] = table[:nodes][None]
    return tables


@cache
def _pattern(template: str) -> re.Pattern:
    text = re.escape(template).replace(r'\{', '{').replace(r'\}', '}')
    return re.compile(re.sub(r'{(\w+)}', lambda m: f'(?P<{m[1]}>{PARTS[m[1]]})', text))


def _renamed(key: str, table: Rows, starts: Sequence[int], reverse: bool = False) -> str | None:
    """`key` under the other side's name: by the first row that has it; None when none has."""
    for row in table:
        if match := _pattern(row[reverse]).fullmatch(key):
            return row[not reverse].format(**_places(match.groupdict(), starts))
    return None


def _places(parts: dict[str, str], starts: Sequence[int]) -> dict[str, Any]:
    """Adds the other ways to count a block of Pyramid ViG.

    A stage's downsampling is the place before its block 0.
    """
    places: dict[str, Any] = dict(parts)
    if 'flat' in parts:
        places['stage'] = sum(start - 1 <= int(parts['flat']) for start in starts[1:])
        places['index'] = int(parts['flat']) - starts[places['stage']]
    elif 'inner' in parts:
        places['index'] = int(parts['inner']) - (parts['stage'] != '0')
    elif 'stage' in parts and int(parts['stage']) < len(starts):
        places['flat'] = starts[int(parts['stage'])] + int(parts.get('index', -1))
    return places


def _starts(names: Iterable[str]) -> list[int]:
    """The place of every stage's block 0 in the published list of blocks and downsamplings.

    By our names, or by the published ones, where a convolution stands between two stages.
    """
    ours = (re.match(r'backbone\.stages\.(\d)\.blocks\.(\d+)\.', name) for name in names)
    if blocks := {(int(match[1]), int(match[2])) for match in ours if match}:
        depths = Counter(stage for stage, _ in blocks)
        return _starts_of([depths[stage] for stage in range(max(depths) + 1)])
    found = (re.fullmatch(r'(?:backbone\.)?backbone\.(\d+)\.conv\.0\.weight', n) for n in names)
    return [0, *sorted(int(match[1]) + 1 for match in found if match)]


def _starts_of(depths: Sequence[int]) -> list[int]:
    """The same, from the number of blocks in every stage."""
    return [sum(depths[:i]) + i for i in range(len(depths))]


def _table(source: str, part: str | None, weights: Mapping[str, Tensor]) -> Rows:
    known = [*SYSTEMS, *HEADS]
    if source not in known:
        raise CheckpointError(f'source must be one of {", ".join(known)}, got {source!r}')
    if part is not None and (part != 'head' or source not in HEADS):
        raise CheckpointError(f"part={part!r}: expected 'head', of {', '.join(HEADS)}")
    return HEADS[source] if part else rows(source, weights)


def _refuse(unknown: list[str], where: str) -> None:
    if unknown:
        verb = 'entries are' if len(unknown) > 1 else 'entry is'
        raise CheckpointError(f'{len(unknown)} {verb} not in {where}: {some(unknown)}')
