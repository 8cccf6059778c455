"""Findings about whole data sets: what the images and labels of all splits say together."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from .annotated_boxes import Box
from .base import Labels
from .image_facts import ImageFacts

LOOK_BITS = 3  # of 128 that may differ between images that look alike
CROWD = 200  # more images than these with 32 equal bits are not compared: flat pictures


class Split(NamedTuple):
    """One split as its annotations have it."""

    name: str  # 'train', 'val', 'test'
    classes: Sequence[str]  # those known: the config's, or the training set's, or its own
    images: list[Labels]
    boxes: list[Box]


class Finding(NamedTuple):
    """One kind of thing found: whether it is an error, what it is, and every case of it."""

    is_error: bool
    what: str
    cases: list[str]


def findings(splits: Sequence[Split], facts: Mapping[str, ImageFacts]) -> list[Finding]:
    """All findings that have a case, errors first.

    Args:
        splits: in the order train, val, test.
        facts: of every image file of the splits, by path.
    """
    users = defaultdict(list)
    for split in splits:
        for labels in split.images:
            users[labels.img_path].append((split.name, labels))
    copies, alike = _copies(facts), _alike(facts)
    found = [
        Finding(True, 'images that cannot be read', _told(facts, 'fault')),
        Finding(True, 'images with damaged JPEG data (they are decoded, wrongly)',
                _told(facts, 'damage')),
        Finding(True, 'labels that are not among the classes', list(_unknown(splits))),
        Finding(True, 'files listed more than once', list(_repeated(users))),
        Finding(True, 'identical images in several splits (leaks)', _across(copies, users)),
        Finding(True, 'boxes outside the image, or empty', list(_bad_boxes(splits, facts))),
        Finding(False, 'images whose size is not the annotated one', _sizes(splits, facts)),
        Finding(False, 'identical images within a split', _within(copies, users)),
        Finding(False, 'images in several splits that look alike: see for yourself',
                _across(alike, users)),
        Finding(False, 'images without any label', list(_unlabelled(splits))),
        Finding(False, 'classes without a positive image', list(_without_positive(splits))),
        Finding(False, 'class names that differ in case or spaces alone', _similar(splits)),
    ]  # fmt: skip
    return [finding for finding in found if finding.cases]


def class_counts(split: Split) -> dict[str, dict[str, int]]:
    """{class: {'present': images, 'difficult': images with difficult objects of it alone}}."""
    counts = {name: {'present': 0, 'difficult': 0} for name in split.classes}
    for labels in split.images:
        present = set(labels.present)
        for name in present & counts.keys():
            counts[name]['present'] += 1
        for name in (set(labels.difficult) - present) & counts.keys():
            counts[name]['difficult'] += 1
    return counts


def cooccurrence(split: Split) -> np.ndarray:
    """(K, K) int64: the number of images that have both classes; on the diagonal, the class."""
    index = {name: i for i, name in enumerate(split.classes)}
    has = np.zeros((len(split.images), len(index)))
    for row, labels in zip(has, split.images):
        row[[index[name] for name in labels.present if name in index]] = 1
    return (has.T @ has).astype(np.int64)


def _told(facts: Mapping[str, ImageFacts], field: str) -> list[str]:
    said = ((path, getattr(fact, field)) for path, fact in facts.items())
    return [f'{path} ({text})' for path, text in said if text]


def _unknown(splits: Sequence[Split]) -> Iterator[str]:
    for split in splits:
        known = set(split.classes)
        for labels in split.images:
            others = sorted({*labels.present, *labels.difficult} - known)
            if others:
                yield f'{split.name}: {labels.img_path} has {", ".join(others)} ({labels.where})'


def _repeated(users: Mapping[str, list]) -> Iterator[str]:
    for path, uses in users.items():
        for name, group in _by_split(uses).items():
            if len(group) > 1:
                kinds = {(frozenset(g.present), frozenset(g.difficult)) for g in group}
                how = 'with different labels' if len(kinds) > 1 else 'with the same labels'
                yield f'{name}: {path}, {len(group)} times {how} ({group[0].where})'


def _by_split(uses: Sequence[tuple[str, Labels]]) -> dict[str, list[Labels]]:
    groups = defaultdict(list)
    for name, labels in uses:
        groups[name].append(labels)
    return groups


def _copies(facts: Mapping[str, ImageFacts]) -> list[list[str]]:
    """Groups of paths with equal pixels; also of one path, which several splits may list."""
    groups = defaultdict(list)
    for path, fact in facts.items():
        groups[fact.pixels or path].append(path)
    return list(groups.values())


def _alike(facts: Mapping[str, ImageFacts]) -> list[tuple[str, str]]:
    """Pairs of different images whose looks differ in LOOK_BITS at most.

    Of four parts of 32 bits such a pair has one in common, so only those are compared.
    """
    parts = defaultdict(list)
    for fact in facts.values():
        if fact.look:
            for part in range(4):
                parts[part, fact.look >> 32 * part & 0xFFFFFFFF].append(fact)
    pairs = {}
    for group in parts.values():
        if len(group) > CROWD:
            continue
        for a, b in combinations(group, 2):
            if a.pixels != b.pixels and (a.look ^ b.look).bit_count() <= LOOK_BITS:
                pairs[a.path, b.path] = None
    return list(pairs)


def _across(groups: Sequence[Sequence[str]], users: Mapping[str, list]) -> list[str]:
    told = []
    for paths in groups:
        places = {(name, path): None for path in paths for name, _ in users[path]}
        if len({name for name, _ in places}) > 1:
            told.append(' = '.join(f'{name}: {path}' for name, path in places))
    return told


def _within(groups: Sequence[Sequence[str]], users: Mapping[str, list]) -> list[str]:
    told = []
    for paths in groups:
        uses = {(name, path): labels for path in paths for name, labels in users[path]}
        for name, group in _by_split([(name, uses[name, path]) for name, path in uses]).items():
            if len(group) > 1:
                same = len({frozenset(labels.present) for labels in group}) == 1
                paths_ = ' = '.join(labels.img_path for labels in group)
                told.append(f'{name}: {paths_}' + ('' if same else ', with different labels'))
    return told


def _bad_boxes(splits: Sequence[Split], facts: Mapping[str, ImageFacts]) -> Iterator[str]:
    for split in splits:
        for box in split.boxes:
            size = box.stated or facts.get(box.img_path, ImageFacts('')).size
            left, top, right, bottom = box.corners
            told = f'{split.name}: {box.img_path}, {left:g} {top:g} to {right:g} {bottom:g}'
            if not (right > left and bottom > top):
                yield f'{told}: empty ({box.where})'
            # a pixel of rounding is common
            elif any(size) and not (
                left >= -1 and top >= -1 and right <= size[0] + 1 and bottom <= size[1] + 1
            ):
                yield f'{told} in {size[0]} x {size[1]} ({box.where})'


def _sizes(splits: Sequence[Split], facts: Mapping[str, ImageFacts]) -> list[str]:
    told = {}
    for split in splits:
        for box in split.boxes:
            size = facts.get(box.img_path, ImageFacts('')).size
            if box.stated and any(size) and box.stated != size:
                stated = f'{box.stated[0]} x {box.stated[1]}'
                told[f'{box.img_path}: {size[0]} x {size[1]}, annotated {stated}'] = None
    return list(told)


def _unlabelled(splits: Sequence[Split]) -> Iterator[str]:
    for split in splits:
        for labels in split.images:
            if not labels.present and not labels.difficult:
                yield f'{split.name}: {labels.img_path}'


def _without_positive(splits: Sequence[Split]) -> Iterator[str]:
    for split in splits:
        for name, count in class_counts(split).items():
            if not count['present']:
                yield f'{split.name}: {name}'


def _similar(splits: Sequence[Split]) -> list[str]:
    spellings = defaultdict(dict)
    for split in splits:
        for name in split.classes:
            spellings[' '.join(name.casefold().replace('_', ' ').split())][name] = None
    return [' / '.join(map(repr, names)) for names in spellings.values() if len(names) > 1]
