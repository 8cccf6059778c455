"""The report of a data-set check, as json and as text."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .base import some
from .dataset_check import Finding, Split, class_counts, cooccurrence
from .image_facts import ImageFacts

PAIRS = 20  # so many pairs of classes does the text tell


def report_dict(
    splits: Sequence[Split], facts: Mapping[str, ImageFacts], found: Sequence[Finding]
) -> dict[str, Any]:
    """Everything, for json: all cases of all findings, class counts and co-occurrence by split."""
    return {
        'errors': {finding.what: finding.cases for finding in found if finding.is_error},
        'warnings': {finding.what: finding.cases for finding in found if not finding.is_error},
        'kinds': _kinds(facts),
        'splits': {split.name: _split_dict(split) for split in splits},
    }


def report_text(
    splits: Sequence[Split], facts: Mapping[str, ImageFacts], found: Sequence[Finding]
) -> str:
    """The same to read, with the first cases of each finding."""
    parts = [_summary(split) for split in splits]
    if splits:
        parts += ['', *_class_table(splits), '', *_pairs(splits[0])]
    kinds = _kinds(facts)
    if kinds:
        parts += ['', 'Unusual images (decoded like the others):']
        parts += [f'  {len(paths):6d}  {kind}: {some(paths, 3)}' for kind, paths in kinds.items()]
    for finding in found:
        parts += ['', f'{"ERROR" if finding.is_error else "warning"}: {finding.what}: '
                  f'{len(finding.cases)}']  # fmt: skip
        parts += [f'  {case}' for case in finding.cases[:10]]
        if len(finding.cases) > 10:
            parts.append(f'  ... and {len(finding.cases) - 10} more')
    return '\n'.join(parts)


def _split_dict(split: Split) -> dict[str, Any]:
    return {
        'images': len(split.images),
        'classes': list(split.classes),
        'class_counts': class_counts(split),
        'cooccurrence': cooccurrence(split).tolist(),
    }


def _kinds(facts: Mapping[str, ImageFacts]) -> dict[str, list[str]]:
    """{kind: the paths of that kind}, the most frequent first."""
    counts = Counter(kind for fact in facts.values() for kind in fact.kinds)
    return {k: [f.path for f in facts.values() if k in f.kinds] for k, _ in counts.most_common()}


def _summary(split: Split) -> str:
    labels = sum(len(set(image.present)) for image in split.images)
    return (
        f'{split.name}: {len(split.images)} images, {len(split.classes)} classes, '
        f'{labels / max(len(split.images), 1):.2f} labels per image'
    )


def _class_table(splits: Sequence[Split]) -> list[str]:
    """Images with each class, by split; '+n' more have difficult objects of it alone."""
    counts = {split.name: class_counts(split) for split in splits}
    names = list(dict.fromkeys(name for split in splits for name in split.classes))
    width = max(map(len, [*names, 'class']))
    lines = [f'{"class":{width}}' + ''.join(f'{split.name:>14}' for split in splits)]
    for name in names:
        cells = (counts[split.name].get(name) for split in splits)
        lines.append(f'{name:{width}}' + ''.join(f'{_cell(cell):>14}' for cell in cells))
    return lines


def _cell(count: dict[str, int] | None) -> str:
    if count is None:
        return '-'
    return f'{count["present"]}' + (f' +{count["difficult"]}' if count['difficult'] else '')


def _pairs(split: Split) -> list[str]:
    """The most frequent pairs of classes."""
    counts = np.triu(cooccurrence(split), 1)
    order = np.argsort(-counts, axis=None, kind='stable')[:PAIRS]
    pairs = [divmod(int(i), len(split.classes)) for i in order]
    told = [f'  {counts[i, j]:6d}  {split.classes[i]} + {split.classes[j]}'
            for i, j in pairs if counts[i, j]]  # fmt: skip
    return [f'Classes seen together most often in {split.name}, in images:', *told]
