"""Published weights to ours and back: strict functions from state_dict to state_dict."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from mlgcn.ops.relative_pos import relative_position

from .error import CheckpointError, some
from .peers import HEADS, detect_peer, from_peer, published_name, to_peer
from .tables import DROPPED, MARKS, NAMES, PARTS

PREFIXES = ('module.', 'model.')
REDUCTIONS = (4, 2, 1, 1)  # of the published Pyramid ViG's stages


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
    """Whose names the entries of a state_dict have.

    Returns:
        'addgcn', 'gkgnet', 'pvig', 'mmpretrain' (its Pyramid ViG), 'torchvision' (a ResNet), 'timm'
        (an EfficientNet), a peer of `peer_tables.MARKS`, 'mlgcn' (a classifier of mmpretrain's or
        ours) or 'unknown'.
    """
    weights = unwrap(state_dict)
    if (peer := detect_peer(weights)) is not None:
        return peer
    for source, mark in MARKS.items():
        if mark in weights:
            return source
    parts = {key.split('.')[0] for key in weights}
    return 'mlgcn' if {'backbone', 'head'} <= parts <= {'backbone', 'neck', 'head'} else 'unknown'


def convert(
    state_dict: Mapping[str, Any], source: str, part: str | None = None
) -> dict[str, Tensor]:
    """Published weights under the names of our models (`backbone.`, `neck.`, `head.`).

    What our models compute themselves or do not have is dropped by name (`tables.DROPPED`). 1x1
    convolutions over labels lose the last of their four axes.

    Args:
        state_dict: with or without the wrappers that :func:`unwrap` knows.
        source: one of `tables.NAMES` or `peer_tables.HEADS`; see :func:`detect`.
        part: 'head' for the entries of a peer's head alone, as the published module names them;
            the result then fits our head module (no `head.`).

    Raises:
        CheckpointError: lists the entries that such a file does not have.
    """
    _check_source(source, part)
    weights = unwrap(state_dict)
    if source in HEADS:
        ours, unknown = from_peer(weights, source, part)
        _refuse(unknown, f'the published {source} {part or "weights"}')
        return ours
    starts = _published_starts(weights)
    ours, unknown = {}, []
    for key, value in weights.items():
        name = _renamed(key, source, starts)
        if name is not None:
            label_conv = name.startswith('neck.') and value.ndim == 4
            ours[name] = value.squeeze(3) if label_conv else value
        elif not any(re.fullmatch(pattern, key) for pattern in DROPPED[source]):
            unknown.append(key)
    _refuse(unknown, f'the published {source} weights')
    return ours


def to_published(
    state_dict: Mapping[str, Any], target: str, part: str | None = None
) -> dict[str, Tensor]:
    """Our weights under the published names, so that the published code loads them.

    The reverse of :func:`convert` for 'addgcn', 'gkgnet' and the peers. `mask_mat` and the
    `relative_pos` tables that the first two keep in their files are computed again.

    Raises:
        CheckpointError: lists the entries that the published model does not have.
    """
    _check_source(target, part)
    weights = unwrap(state_dict)
    if target in HEADS:
        published, unknown = to_peer(weights, target, part)
        _refuse(unknown, f'our {part or "model"} for the published {target}')
        return published
    if target not in ('addgcn', 'gkgnet'):
        raise CheckpointError(f"only to 'addgcn', 'gkgnet' and the peers, got {target!r}")
    starts = _our_starts(weights)
    published, unknown = {}, []
    for key, value in weights.items():
        name = _renamed(key, target, starts, reverse=True)
        if name is None:
            unknown.append(key)
        else:
            label_conv = key.startswith('neck.') and value.ndim == 3
            published[name] = value.unsqueeze(3) if label_conv else value
    _refuse(unknown, f'our model for the published {target}')
    if target == 'addgcn' and 'fc.weight' in published:
        return {'mask_mat': torch.eye(len(published['fc.weight'])), **published}
    return {**published, **_relative_positions(published, starts)}


def published_key(key: str, source: str, depths: Sequence[int] = (2, 2, 6, 2)) -> str:
    """The published model's name of our state_dict entry `key`; KeyError when it has none.

    Args:
        depths: blocks of the four stages of Pyramid ViG.
    """
    if source in HEADS:
        name = published_name(key, source)
    else:
        name = _renamed(key, source, _starts_of(depths), reverse=True)
    if name is None:
        raise KeyError(f'{key!r} has no counterpart in the published {source} model')
    return name


def _relative_positions(published: Mapping[str, Tensor], starts: list[int]) -> dict[str, Tensor]:
    """The tables (1, N, M) of a published GKGNet, one for all blocks of a stage."""
    grapher = re.compile(r'(backbone\.backbone\.(\d+)\.0\.)fc1\.0\.weight')
    tables, entries = {}, {}
    for match in filter(None, map(grapher.fullmatch, published)):
        stage = _place({'flat': match[2]}, starts)['stage']
        if stage not in tables:
            height, width = published['backbone.pos_embed'].shape[2:]
            grid, nodes = (height >> stage, width >> stage), height * width >> 2 * stage
            channels = len(published[match[0]])
            tables[stage] = relative_position(channels, grid, REDUCTIONS[stage], nodes)[:nodes][
                None
            ]
        entries[match[1] + 'relative_pos'] = tables[stage]
    return entries


@cache
def _rows(source: str) -> list[tuple[re.Pattern, str, re.Pattern, str]]:
    return [(_regex(a), a, _regex(b), b) for a, b in NAMES[source]]


def _regex(template: str) -> re.Pattern:
    text = re.escape(template).replace(r'\{', '{').replace(r'\}', '}')
    return re.compile(re.sub(r'{(\w+)}', lambda m: f'(?P<{m[1]}>{PARTS[m[1]]})', text))


def _renamed(key: str, source: str, starts: Sequence[int], reverse: bool = False) -> str | None:
    """`key` under the other side's name, or None when no row of the table has it."""
    for published, template, ours, our_template in _rows(source):
        match = (ours if reverse else published).fullmatch(key)
        if match:
            place = _place(match.groupdict(), starts)
            return (template if reverse else our_template).format(**place)
    return None


def _place(parts: dict[str, str], starts: Sequence[int]) -> dict[str, Any]:
    """The three ways to count blocks; a stage's downsampling is the place before its block 0."""
    place: dict[str, Any] = dict(parts)
    if 'flat' in parts:
        flat = int(parts['flat'])
        place['stage'] = sum(start - 1 <= flat for start in starts[1:])
        place['index'] = flat - starts[place['stage']]
    elif 'stage' in parts:
        stage = int(parts['stage'])
        place.setdefault('index', int(parts['inner']) - (stage > 0) if 'inner' in parts else -1)
        if stage < len(starts):
            place['flat'] = starts[stage] + int(place['index'])
    return place


def _published_starts(keys: Iterable[str]) -> list[int]:
    """The place of every stage's block 0 in the published list of blocks and downsamplings."""
    found = (re.fullmatch(r'(?:backbone\.)?backbone\.(\d+)\.conv\.0\.weight', k) for k in keys)
    return [0, *sorted(int(match[1]) + 1 for match in found if match)]


def _our_starts(keys: Iterable[str]) -> list[int]:
    """The same, from our names."""
    found = (re.match(r'backbone\.stages\.(\d)\.blocks\.(\d+)\.', key) for key in keys)
    blocks = {(int(match[1]), int(match[2])) for match in found if match}
    stages = 1 + max((stage for stage, _ in blocks), default=0)
    return _starts_of([sum(stage == i for stage, _ in blocks) for i in range(stages)])


def _starts_of(depths: Sequence[int]) -> list[int]:
    """The same, from the number of blocks in every stage."""
    return [sum(depths[:i]) + i for i in range(len(depths))]


def _check_source(source: str, part: str | None) -> None:
    known = [*NAMES, *HEADS]
    if source not in known:
        raise CheckpointError(f'source must be one of {", ".join(known)}, got {source!r}')
    if part is not None and (part != 'head' or source not in HEADS):
        raise CheckpointError(f"part={part!r}: expected 'head', of {', '.join(HEADS)}")


def _refuse(unknown: list[str], where: str) -> None:
    if unknown:
        verb = 'entries are' if len(unknown) > 1 else 'entry is'
        raise CheckpointError(f'{len(unknown)} {verb} not in {where}: {some(unknown)}')
