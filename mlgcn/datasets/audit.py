"""What the images and labels of all splits of a data set say together: findings and a report."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple
from unicodedata import normalize

import numpy as np

from .annotations import Labels, some
from .base import unknown_labels
from .image_check import FEW_BITS
from .image_facts import TURNED, ImageFacts

LOOK_BITS = 3  # of 128 that may differ between images that look alike
CROWD = 200  # more images than these with 32 equal bits are not compared: flat pictures
PAIRS = 20  # pairs of classes in the text
DARK = 'images of 16 bits that use fewer and come out dark: set value_range of LoadImage'
CASES = 10  # cases of a finding in the text


class Split(NamedTuple):
    """One split as its annotations have it."""

    name: str  # 'train', 'val', 'test'
    classes: Sequence[str]  # those known: the config's, or the training set's, or its own
    images: list[Labels]


class Finding(NamedTuple):
    """One kind of fault or oddity, and every case of it."""

    is_error: bool
    what: str
    cases: list[str]


Facts = Mapping[str, ImageFacts]  # of every image file of the splits, by path
Users = Mapping[str, list[tuple[str, Labels]]]  # {path: (split, labels) of each mention}


def findings(splits: Sequence[Split], facts: Facts) -> list[Finding]:
    """All findings that have a case, errors first; `splits` in the order train, val, test."""
    users = defaultdict(list)
    for split in splits:
        for labels in split.images:
            users[labels.img_path].append((split.name, labels))
    copies, alike = _copies(facts), _alike(facts)
    unreadable = [f'{path} ({fact.fault})' for path, fact in facts.items() if fact.fault]
    unknown = [
        f'{split.name}: {problem}'
        for split in splits
        for problem in unknown_labels(split.images, split.classes)
    ]
    found = [
        Finding(True, 'images that cannot be read, or of which a part is missing', unreadable),
        Finding(True, 'labels that are not among the classes', unknown),
        Finding(True, 'files listed more than once', list(_repeated(users))),
        Finding(True, 'identical images in several splits (leaks)', list(_across(copies, users))),
        Finding(True, 'boxes outside the image, or empty', list(_bad_boxes(splits, facts))),
        Finding(False, DARK, _dark(facts)),
        Finding(False, 'images whose size is not the annotated one', list(_sizes(splits, facts))),
        Finding(False, 'identical images within a split', list(_within(copies, users))),
        Finding(False, 'images in several splits that look alike: see for yourself',
                list(_across(alike, users))),
        Finding(False, 'images without any label', list(_unlabelled(splits))),
        Finding(False, 'classes without a positive image', list(_without_positive(splits))),
        Finding(False, 'class names that are nearly the same', list(_similar(splits))),
    ]  # fmt: skip
    return [finding for finding in found if finding.cases]


def class_counts(split: Split) -> dict[str, dict[str, int]]:
    """{class: {'present': images, 'difficult': images with difficult objects of it alone}}."""
    present, difficult = Counter(), Counter()
    for labels in split.images:
        present.update(set(labels.present))
        difficult.update(set(labels.difficult) - set(labels.present))
    return {n: {'present': present[n], 'difficult': difficult[n]} for n in split.classes}


def cooccurrence(split: Split) -> np.ndarray:
    """(K, K) int64: the number of images that have both classes; on the diagonal, the class."""
    index = {name: i for i, name in enumerate(split.classes)}
    has = np.zeros((len(split.images), len(index)))
    for row, labels in zip(has, split.images):
        row[[index[name] for name in labels.present if name in index]] = 1
    return (has.T @ has).astype(np.int64)


def _repeated(users: Users) -> Iterator[str]:
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


def _copies(facts: Facts) -> list[list[str]]:
    """Groups of paths with equal pixels; also of one path, which several splits may list."""
    groups = defaultdict(list)
    for path, fact in facts.items():
        groups[fact.pixels or path].append(path)
    return list(groups.values())


def _alike(facts: Facts) -> list[tuple[str, str]]:
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
        for a, b in combinations(group, 2) if len(group) <= CROWD else ():
            if a.pixels != b.pixels and (a.look ^ b.look).bit_count() <= LOOK_BITS:
                pairs[a.path, b.path] = None
    return list(pairs)


def _across(groups: Sequence[Sequence[str]], users: Users) -> Iterator[str]:
    for paths in groups:
        places = {(name, path): None for path in paths for name, _ in users[path]}
        if len({name for name, _ in places}) > 1:
            yield ' = '.join(f'{name}: {path}' for name, path in places)


def _within(groups: Sequence[Sequence[str]], users: Users) -> Iterator[str]:
    for paths in groups:
        uses = {(name, path): labels for path in paths for name, labels in users[path]}
        for name, group in _by_split([(name, uses[name, path]) for name, path in uses]).items():
            if len(group) > 1:
                same = len({frozenset(labels.present) for labels in group}) == 1
                equal = ' = '.join(labels.img_path for labels in group)
                yield f'{name}: {equal}' + ('' if same else ', with different labels')


def _bad_boxes(splits: Sequence[Split], facts: Facts) -> Iterator[str]:
    for split in splits:
        for labels in split.images:
            size = _stated_size(labels, facts)
            for box in labels.boxes:
                if box.corners is None:
                    continue
                left, top, right, bottom = box.corners
                told = f'{split.name}: {labels.img_path}, {left:g} {top:g} to {right:g} {bottom:g}'
                # a pixel of rounding is common
                inside = min(left, top) >= -1 and right <= size[0] + 1 and bottom <= size[1] + 1
                if not (right > left and bottom > top):
                    yield f'{told}: empty ({labels.where}, {box.where})'
                elif any(size) and not inside:
                    yield f'{told} in {size[0]} x {size[1]} ({labels.where}, {box.where})'


def _stated_size(labels: Labels, facts: Facts) -> tuple[int, int]:
    """The annotated width and height, else the image's; (0, 0) where neither is known.

    Sizes that were stated before the EXIF turn are those of the upright image, as the boxes are.
    """
    fact = facts.get(labels.img_path, ImageFacts(''))
    turned = labels.size == fact.size[::-1] and TURNED in fact.kinds
    return fact.size if turned or not labels.size else labels.size


def _dark(facts: Facts) -> list[str]:
    deep = {path: fact.bits for path, fact in facts.items() if fact.bits}
    most = max(deep.values(), default=16)
    return [f'{path}: {bits} bits' for path, bits in deep.items()] if most < FEW_BITS else []


def _sizes(splits: Sequence[Split], facts: Facts) -> Iterator[str]:
    for labels in {labels.img_path: labels for s in splits for labels in s.images}.values():
        size, stated = facts.get(labels.img_path, ImageFacts('')).size, _stated_size(labels, facts)
        if any(size) and stated != size:
            yield f'{labels.img_path}: {size[0]} x {size[1]}, annotated {stated[0]} x {stated[1]}'


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


def _similar(splits: Sequence[Split]) -> Iterator[str]:
    """Names that differ in case, spaces, signs, accents or a plural's s, each with its place."""
    spellings, places = defaultdict(dict), {}
    for split in splits:
        for labels in split.images:
            for name in (*labels.present, *labels.difficult):
                places.setdefault(name, labels.where)
        for name in (*split.classes, *places):
            letters = ''.join(c for c in normalize('NFKD', name.casefold()) if c.isalnum())
            spellings[letters.removesuffix('s').removesuffix('e') or name][name] = None
    for names in spellings.values():
        if len(names) > 1:
            yield ' / '.join(f'{n!r} ({places[n]})' if n in places else repr(n) for n in names)


def report_dict(splits: Sequence[Split], facts: Facts, found: Sequence[Finding]) -> dict[str, Any]:
    """Everything, for json: all cases of all findings, class counts and co-occurrence by split."""
    return {
        'errors': {finding.what: finding.cases for finding in found if finding.is_error},
        'warnings': {finding.what: finding.cases for finding in found if not finding.is_error},
        'kinds': _kinds(facts),
        'splits': {
            split.name: {
                'images': len(split.images),
                'classes': list(split.classes),
                'class_counts': class_counts(split),
                'cooccurrence': cooccurrence(split).tolist(),
            }
            for split in splits
        },
    }


def report_text(splits: Sequence[Split], facts: Facts, found: Sequence[Finding]) -> str:
    """The same to read, with the first cases of each finding."""
    parts = []
    for split in splits:
        labels = sum(len(set(image.present)) for image in split.images)
        parts.append(
            f'{split.name}: {len(split.images)} images, {len(split.classes)} classes, '
            f'{labels / max(len(split.images), 1):.2f} labels per image'
        )
    if splits:
        parts += ['', *_class_table(splits), '', *_pairs(splits[0])]
    kinds = _kinds(facts)
    if kinds:
        parts += ['', 'Unusual images (decoded like the others):']
        parts += [f'  {len(paths):6d}  {kind}: {some(paths, 3)}' for kind, paths in kinds.items()]
    for finding in found:
        level = 'ERROR' if finding.is_error else 'warning'
        parts += ['', f'{level}: {finding.what}: {len(finding.cases)}']
        parts += [f'  {case}' for case in finding.cases[:CASES]]
        if len(finding.cases) > CASES:
            parts.append(f'  ... and {len(finding.cases) - CASES} more')
    return '\n'.join(parts)


def _kinds(facts: Facts) -> dict[str, list[str]]:
    """{kind: the paths of that kind}, the most frequent first."""
    paths = defaultdict(list)
    for fact in facts.values():
        for kind in fact.kinds:
            paths[kind].append(fact.path)
    return dict(sorted(paths.items(), key=lambda item: -len(item[1])))


def _class_table(splits: Sequence[Split]) -> list[str]:
    """Images with each class, by split; '+n' more have difficult objects of it alone."""
    counts = [class_counts(split) for split in splits]
    names = list(dict.fromkeys(name for split in splits for name in split.classes))
    width = max(map(len, [*names, 'class']))
    lines = [f'{"class":{width}}' + ''.join(f'{split.name:>14}' for split in splits)]
    for name in names:
        line = f'{name:{width}}'
        for count in (split.get(name) for split in counts):
            text = f'{count["present"]}' if count else '-'
            line += f'{text + (f" +{n}" if count and (n := count["difficult"]) else ""):>14}'
        lines.append(line)
    return lines


def _pairs(split: Split) -> list[str]:
    """The most frequent pairs of classes."""
    counts = np.triu(cooccurrence(split), 1)
    order = np.argsort(-counts, axis=None, kind='stable')[:PAIRS]
    pairs = [divmod(int(i), len(split.classes)) for i in order]
    told = [f'  {counts[i, j]:6d}  {split.classes[i]} + {split.classes[j]}'
            for i, j in pairs if counts[i, j]]  # fmt: skip
    return [f'Classes seen together most often in {split.name}, in images:', *told]
