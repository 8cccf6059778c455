"""Published weights to ours and back: strict functions from state_dict to state_dict."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mlgcn.ops.relative_pos import relative_position

from .detect import some, unwrap
from .error import CheckpointError
from .rename import our_starts, place_of, published_starts, renamed, starts_of
from .tables import DROPPED, NAMES

REDUCTIONS = (4, 2, 1, 1)  # of the published Pyramid ViG's stages


def convert(state_dict: Mapping[str, Any], source: str) -> dict[str, Tensor]:
    """Published weights under the names of our models (`backbone.`, `neck.`, `head.`).

    What our models compute themselves or do not have is dropped by name (`tables.DROPPED`). 1x1
    convolutions over labels lose the last of their four axes.

    Args:
        state_dict: with or without the wrappers that :func:`unwrap` knows.
        source: one of `tables.NAMES`; see :func:`detect`.

    Raises:
        CheckpointError: lists the entries that such a file does not have.
    """
    _check_source(source)
    weights = unwrap(state_dict)
    starts = published_starts(weights)
    ours, unknown = {}, []
    for key, value in weights.items():
        name = renamed(key, source, starts)
        if name is not None:
            label_conv = name.startswith('neck.') and value.ndim == 4
            ours[name] = value.squeeze(3) if label_conv else value
        elif not any(re.fullmatch(pattern, key) for pattern in DROPPED[source]):
            unknown.append(key)
    _refuse(unknown, f'the published {source} weights')
    return ours


def to_published(state_dict: Mapping[str, Any], target: str) -> dict[str, Tensor]:
    """Our weights under the published names, so that the published code loads them.

    The reverse of :func:`convert` for 'addgcn' and 'gkgnet'; `mask_mat` and the `relative_pos`
    tables that the published models keep in their files are made again.

    Raises:
        CheckpointError: lists the entries that the published model does not have.
    """
    if target not in ('addgcn', 'gkgnet'):
        raise CheckpointError(f"only to 'addgcn' and 'gkgnet', got {target!r}")
    weights = unwrap(state_dict)
    starts = our_starts(weights)
    published, unknown = {}, []
    for key, value in weights.items():
        name = renamed(key, target, starts, reverse=True)
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
    name = renamed(key, source, starts_of(depths), reverse=True)
    if name is None:
        raise KeyError(f'{key!r} has no counterpart in the published {source} model')
    return name


def _relative_positions(published: Mapping[str, Tensor], starts: list[int]) -> dict[str, Tensor]:
    """The tables (1, N, M) of a published GKGNet, one for all blocks of a stage."""
    grapher = re.compile(r'(backbone\.backbone\.(\d+)\.0\.)fc1\.0\.weight')
    found = [match for match in map(grapher.fullmatch, published) if match]
    tables, entries = {}, {}
    for match in found:
        stage = place_of({'flat': match[2]}, starts)['stage']
        if stage not in tables:
            height, width = published['backbone.pos_embed'].shape[2:]
            grid, nodes = (height >> stage, width >> stage), height * width >> 2 * stage
            channels = len(published[match[0]])
            table = relative_position(channels, grid, REDUCTIONS[stage], nodes)
            tables[stage] = table[0:nodes][None]
        entries[match[1] + 'relative_pos'] = tables[stage]
    return entries


def _check_source(source: str) -> None:
    if source not in NAMES:
        raise CheckpointError(f'source must be one of {", ".join(NAMES)}, got {source!r}')


def _refuse(unknown: list[str], where: str) -> None:
    if unknown:
        verb = 'entries are' if len(unknown) > 1 else 'entry is'
        raise CheckpointError(f'{len(unknown)} {verb} not in {where}: {some(unknown)}')
