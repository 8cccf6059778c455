"""One key under the other side's name, by the tables' templates."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from .tables import NAMES, PARTS


@cache
def _rows(source: str) -> list[tuple[re.Pattern, str, re.Pattern, str]]:
    return [(_regex(a), a, _regex(b), b) for a, b in NAMES[source]]


def _regex(template: str) -> re.Pattern:
    text = re.escape(template).replace(r'\{', '{').replace(r'\}', '}')
    return re.compile(re.sub(r'{(\w+)}', lambda m: f'(?P<{m[1]}>{PARTS[m[1]]})', text))


def renamed(key: str, source: str, starts: Sequence[int], reverse: bool = False) -> str | None:
    """`key` under the other side's name, or None when no row of the table has it."""
    for published, template, ours, our_template in _rows(source):
        match = (ours if reverse else published).fullmatch(key)
        if match:
            place = place_of(match.groupdict(), starts)
            return (template if reverse else our_template).format(**place)
    return None


def place_of(parts: dict[str, str], starts: Sequence[int]) -> dict[str, Any]:
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


def published_starts(keys: Iterable[str]) -> list[int]:
    """The place of every stage's block 0 in the published list of blocks and downsamplings."""
    found = (re.fullmatch(r'(?:backbone\.)?backbone\.(\d+)\.conv\.0\.weight', k) for k in keys)
    return [0, *sorted(int(match[1]) + 1 for match in found if match)]


def our_starts(keys: Iterable[str]) -> list[int]:
    """The same, from our names."""
    found = (re.match(r'backbone\.stages\.(\d)\.blocks\.(\d+)\.', key) for key in keys)
    blocks = {(int(match[1]), int(match[2])) for match in found if match}
    stages = 1 + max((stage for stage, _ in blocks), default=0)
    return starts_of([sum(stage == i for stage, _ in blocks) for i in range(stages)])


def starts_of(depths: Sequence[int]) -> list[int]:
    """The same, from the number of blocks in every stage."""
    return [sum(depths[:i]) + i for i in range(len(depths))]
