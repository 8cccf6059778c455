"""What the images and labels of all splits of a data set say together: findings and a report."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from typing import Any, NamedTuple
from unicodedata import normalize

import numpy as np

from mlgcn.messages import some

from .annotations import Labels, listed_again, unknown_labels
from .image_check import FEW_BITS, ImageFacts
from .label_table import cooccurrence

LOOK_BITS = 3  # of 128 that may differ between images that look alike
CROWD = 200  # more images than these with 32 equal bits are not compared: flat pictures
PAIRS, CASES = 20, 10  # of classes and of a finding in the text; the json has all


class Split(NamedTuple):
    """One split as its annotations have it."""

    name: str  # 'train', 'val', 'test'; 'train[2]': the second part of a ConcatDataset
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
    """All findings that have a case, errors first; a ConcatDataset's parts count as one split."""
    users = defaultdict(list)
    images = [(s.name.partition('[')[0], labels) for s in splits for labels in s.images]
    for name, labels in images:
        users[labels.img_path].append((name, labels))
    same_pixels = defaultdict(list)
    for path, fact in facts.items():
        same_pixels[fact.pixels or path].append(path)
    leaks, copies = _equal(same_pixels.values(), users)
    alike, _ = _equal(_alike(facts), users)
    most = max((fact.bits for fact in facts.values()), default=0)
    dark = [f for f in facts.values() if f.bits and most < FEW_BITS]
    counts = [(s.name, name, n) for s in splits for name, n in class_counts(s).items()]
    bare = [(name, i) for name, i in images if not i.present and not i.difficult]
    errors = {
        'images that cannot be read, or of which a part is missing': [
            f'{fact.path} ({fact.fault})' for fact in facts.values() if fact.fault
        ],
        'labels that are not among the classes': [
            f'{s.name}: {text}' for s in splits for text in unknown_labels(s.images, s.classes)
        ],
        'files listed more than once': [
            f'{s.name}: {text}' for s in splits for text in listed_again(s.images)
        ],
        'identical images in several splits (leaks)': leaks,
        'boxes outside the image, or empty': _bad_boxes(images, facts),
    }
    oddities = {
        'images of 16 bits that use fewer and come out dark: set value_range of LoadImage': [
            f'{fact.path}: {fact.bits} bits' for fact in dark
        ],
        'uncompressed images that end in black rows: a border, or lost? see for yourself': [
            fact.path for fact in facts.values() if fact.is_black
        ],
        'images whose size is not the annotated one': _sizes(users, facts),
        'identical images within a split': copies,
        'images in several splits that look alike: see for yourself': alike,
        'images without any label': [f'{name}: {labels.img_path}' for name, labels in bare],
        'classes without a positive image': [f'{s}: {n}' for s, n, c in counts if not c['present']],
        'class names that are nearly the same': _similar(splits),
    }
    found = [Finding(True, what, list(cases)) for what, cases in errors.items()]
    found += [Finding(False, what, list(cases)) for what, cases in oddities.items()]
    return [finding for finding in found if finding.cases]


def class_counts(split: Split) -> dict[str, dict[str, int]]:
    """{class: {'present': images, 'difficult': images with difficult objects of it alone}}."""
    present, difficult = Counter(), Counter()
    for labels in split.images:
        present.update(set(labels.present))
        difficult.update(set(labels.difficult) - set(labels.present))
    return {n: {'present': present[n], 'difficult': difficult[n]} for n in split.classes}


def _equal(groups: Iterable[Sequence[str]], users: Users) -> tuple[list[str], list[str]]:
    """In words, the groups of equal images of several splits, and those within a split."""
    across, within = [], []
    for paths in groups:
        places = defaultdict(dict)  # {split: {path: labels}}
        for path in paths:
            for name, labels in users[path]:
                places[name][path] = labels
        if len(places) > 1:
            across.append(' = '.join(f'{name}: {path}' for name in places for path in places[name]))
        for name, found in places.items():
            if len(found) > 1:
                differ = len({frozenset(labels.present) for labels in found.values()}) > 1
                how = ', with different labels' if differ else ''
                within.append(f'{name}: {" = ".join(found)}{how}')
    return across, within


def _alike(facts: Facts) -> list[tuple[str, str]]:
    """Pairs of different images whose looks differ in LOOK_BITS at most.

    Of four parts of 32 bits such a pair has one in common, so only those are compared.
    """
    parts = defaultdict(list)
    for fact in facts.values():
        for part in range(4 if fact.look else 0):
            parts[part, fact.look >> 32 * part & 0xFFFFFFFF].append(fact)
    pairs = {}
    for group in parts.values():
        for a, b in combinations(group, 2) if len(group) <= CROWD else ():
            if a.pixels != b.pixels and (a.look ^ b.look).bit_count() <= LOOK_BITS:
                pairs[a.path, b.path] = None
    return list(pairs)


def _bad_boxes(images: Iterable[tuple[str, Labels]], facts: Facts) -> Iterator[str]:
    for name, labels in images:
        width, height = _stated_size(labels, facts)
        for box in labels.boxes:
            left, top, right, bottom = box.corners or (0, 0, 1, 1)
            told = f'{name}: {labels.img_path}, {left:g} {top:g} to {right:g} {bottom:g}'
            # a pixel of rounding is common
            inside = min(left, top) >= -1 and right <= width + 1 and bottom <= height + 1
            if not (right > left and bottom > top):
                yield f'{told}: empty ({labels.where}, {box.where})'
            elif width and not inside:
                yield f'{told} in {width} x {height} ({labels.where}, {box.where})'


def _stated_size(labels: Labels, facts: Facts) -> tuple[int, int]:
    """The annotated width and height, else the image's; (0, 0) where neither is known.

    Sizes that were stated before the EXIF turn are those of the upright image, as the boxes are.
    """
    fact = facts.get(labels.img_path, ImageFacts(''))
    turned = labels.size == fact.size[::-1] and fact.is_turned
    return fact.size if turned or not labels.size else labels.size


def _sizes(users: Users, facts: Facts) -> Iterator[str]:
    for path, uses in users.items():
        labels = uses[-1][1]
        size, stated = facts.get(path, ImageFacts('')).size, _stated_size(labels, facts)
        if any(size) and stated != size:
            yield f'{path}: {size[0]} x {size[1]}, annotated {stated[0]} x {stated[1]}'


def _similar(splits: Sequence[Split]) -> Iterator[str]:
    """Names that differ in case, spaces, signs, accents, a plural's s or zeros, with places."""
    places = {}
    for labels in (labels for split in splits for labels in split.images):
        for name in (*labels.present, *labels.difficult):
            places.setdefault(name, f' ({labels.where})')
    spellings = defaultdict(dict)
    for name in (*(name for split in splits for name in split.classes), *places):
        letters = ''.join(c for c in normalize('NFKD', name.casefold()) if c.isalnum())
        letters = letters.removesuffix('s').removesuffix('e') or name
        with suppress(ValueError):  # 7, 007 and 7.0
            letters = f'{float(name):g}'
        spellings[letters][name] = None
    for names in spellings.values():
        if len(names) > 1:
            yield ' / '.join(f'{name!r}{places.get(name, "")}' for name in names)


def report_dict(splits: Sequence[Split], found: Sequence[Finding]) -> dict[str, Any]:
    """Everything, for json: all cases of all findings, class counts and co-occurrence by split."""
    return {
        'errors': {finding.what: finding.cases for finding in found if finding.is_error},
        'warnings': {finding.what: finding.cases for finding in found if not finding.is_error},
        'splits': {
            split.name: {
                'images': len(split.images),
                'classes': list(split.classes),
                'class_counts': class_counts(split),
                'cooccurrence': cooccurrence(split.images, split.classes).tolist(),
            }
            for split in splits
        },
    }


def report_text(report: dict[str, Any]) -> str:
    """:func:`report_dict` to read, with the first cases of each finding."""
    lines, splits = [], report['splits']
    for name, split in splits.items():
        labels = sum(count['present'] for count in split['class_counts'].values())
        number = f'{labels / max(split["images"], 1):.2f} labels per image'
        lines.append(f'{name}: {split["images"]} images, {len(split["classes"])} classes, {number}')
    lines += ['', *_class_table(splits), '', *_pairs(*next(iter(splits.items())))]
    for level, title in (('errors', 'ERROR'), ('warnings', 'warning')):
        for what, cases in report[level].items():
            lines += ['', f'{title}: {what}: {len(cases)}', '  ' + some(cases, CASES, '\n  ')]
    return '\n'.join(lines)


def _class_table(splits: Mapping[str, dict]) -> Iterator[str]:
    """Images with each class, by split; '+n' more have difficult objects of it alone."""
    names = list(dict.fromkeys(name for split in splits.values() for name in split['classes']))
    width = max(map(len, [*names, 'class']))
    yield f'{"class":{width}}' + ''.join(f'{name:>14}' for name in splits)
    for name in names:
        row = f'{name:{width}}'
        for split in splits.values():
            count = split['class_counts'].get(name, {'present': '-', 'difficult': 0})
            more = f' +{count["difficult"]}' if count['difficult'] else ''
            row += f'{count["present"]}{more}'.rjust(14)
        yield row


def _pairs(name: str, split: dict) -> Iterator[str]:
    """The most frequent pairs of classes."""
    yield f'Classes seen together most often in {name}, in images:'
    counts, classes = np.triu(split['cooccurrence'], 1), split['classes']
    order = np.argsort(-counts, axis=None, kind='stable')[:PAIRS]
    for i, j in zip(*np.unravel_index(order, counts.shape)):
        if counts[i, j]:
            yield f'  {counts[i, j]:6d}  {classes[i]} + {classes[j]}'
