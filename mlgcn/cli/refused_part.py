"""Which part of a config an error is about that a library's constructor raised."""

import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import build_from_cfg

from mlgcn.messages import some

PACKAGE = Path(__file__).parents[1]


def refused_part(error: BaseException) -> str:
    """'model.backbone: ResNet(depth=19)', where another package refuses what a config gives it.

    Nothing where mlgcn raised the error, whose messages say it, or where no class was being built.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    built = [frame.f_locals['cfg'] for frame in frames if frame.f_code is build_from_cfg.__code__]
    if not built or Path(frames[-1].f_code.co_filename).is_relative_to(PACKAGE):
        return ''
    part = dict(built[-1])  # of nested ones the innermost
    kind = part.pop('type')
    values = [value for frame in frames for value in frame.f_locals.values()]
    configs = [value.to_dict() for value in values if isinstance(value, Config)]
    paths = {path: node for config in configs for path, node in _sections(config, kind)}
    # the one of this type that is most like it: callers fill in some keys
    other = {p: sum(part.get(k) != v for k, v in node.items()) for p, node in paths.items()}
    where = f'{min(other, key=other.get)}: ' if other else ''
    shown = [f'{key}={value!r}' for key, value in part.items() if not isinstance(value, Mapping)]
    return f'{where}{getattr(kind, "__name__", kind)}({some(shown, 6)})'


def _sections(node: Any, kind: Any, path: str = '') -> Iterator[tuple[str, Mapping]]:
    """Paths and dicts below `node` whose `type` is `kind`."""
    if isinstance(node, Mapping):
        if node.get('type') == kind:
            yield path, node
        below = [(f'{path}.{key}'.lstrip('.'), value) for key, value in node.items()]
    else:
        below = [(f'{path}[{index}]', value) for index, value in enumerate(node)]
    for name, value in below:
        if isinstance(value, (Mapping, list, tuple)):
            yield from _sections(value, kind, name)
