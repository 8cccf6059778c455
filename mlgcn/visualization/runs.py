"""The runs of a report: scores files that are read, put into one order and scored."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy import ndarray

from mlgcn.evaluation import MultiLabelResult, ScoresFile, multilabel_scores
from mlgcn.evaluation.protocols import decisions

MOST_RUNS = 6  # the page has as many colours


@dataclass(frozen=True)
class Run:
    """One scores file, and what the report's protocol makes of it: `predicted` is (N, K) bool."""

    name: str
    path: str
    file: ScoresFile
    result: MultiLabelResult
    predicted: ndarray


def load_runs(
    paths: Mapping[str, str | Path], protocol: str | None = None, common_images: bool = False
) -> tuple[list[Run], int]:
    """Read scores files {name of the run: path}, in the first one's order of images and classes.

    Args:
        protocol: Score all under this one; by default their own, if it is the same.
        common_images: Compare on the images that all have, instead of refusing other images.

    Returns:
        The runs, and the number of images that were left out of any of them.

    Raises:
        FileNotFoundError, ValueError: A file is missing or wrong, see `ScoresFile.load`; the runs
            differ in their protocols, classes, images or labels; too many of them.
    """
    if len(paths) > MOST_RUNS:
        raise ValueError(f'{len(paths)} runs: at most {MOST_RUNS} on one page')
    files = {str(path): ScoresFile.load(path) for path in paths.values()}
    if len(files) < len(paths):
        raise ValueError(f'a scores file is given twice: {", ".join(map(str, paths.values()))}')
    seen = {file.protocol: path for path, file in files.items()}
    if protocol is None and len(seen) > 1:
        told = ', '.join(f'{path} with {name!r}' for name, path in seen.items())
        raise ValueError(f'the runs were scored under two protocols ({told}): choose --protocol')
    images = _common_images(files, common_images)
    left_out = max(len(file.file_names) for file in files.values()) - len(images)
    (first_path, first), *_ = files.items()
    first = _arranged(first_path, first, images, first.class_names)
    runs = []
    for name, (path, file) in zip(paths, files.items()):
        file = _arranged(path, file, images, first.class_names)
        for i, k in np.argwhere(file.targets != first.targets)[:1]:
            label, values = str(first.class_names[k]), (file.targets[i, k], first.targets[i, k])
            raise ValueError(
                f'{path}: its labels differ from those of {first_path}: {images[i]}, class '
                f'{label!r} is {values[0]} and {values[1]}'
            )
        runs.append(_scored(name, path, file, protocol or file.protocol))
    return runs, left_out


def _common_images(files: Mapping[str, ScoresFile], allow_others: bool) -> ndarray:
    """The file names of the first run that all runs have; ValueError if others are not allowed."""
    (first, file), *others = files.items()
    names = _unique(first, 'image', file.file_names)
    for path, other in others:
        same = np.isin(names, _unique(path, 'image', other.file_names))
        if not same.any():
            example = f'{other.file_names[0]} and {names[0]}'
            raise ValueError(f'{path} and {first} have no image in common, e.g. {example}')
        if not allow_others and set(other.file_names) != set(file.file_names):
            raise ValueError(
                f'{path}: its {len(other.file_names):,} images are not the '
                f'{len(file.file_names):,} of {first} ({same.sum():,} in common); '
                '--common-images compares on those'
            )
        names = names[same]
    return names


def _unique(path: str, what: str, names: ndarray) -> ndarray:
    unique, counts = np.unique(names, return_counts=True)
    if len(unique) < len(names):
        raise ValueError(f'{path}: the {what} {str(unique[counts > 1][0])!r} occurs more than once')
    return names


def _arranged(path: str, file: ScoresFile, images: ndarray, classes: ndarray) -> ScoresFile:
    """`file` with just these images and classes in this order."""
    only = sorted(set(_unique(path, 'class', file.class_names)) ^ set(classes))
    if only:
        raise ValueError(
            f'{path}: its {len(file.class_names)} classes are not the {len(classes)} of the first '
            f'run; in one of the two only: {", ".join(only[:5])}{", ..." if only[5:] else ""}'
        )
    rows, columns = (
        (order := np.argsort(names))[np.searchsorted(names, wanted, sorter=order)]
        for names, wanted in ((file.file_names, images), (file.class_names, classes))
    )
    tables = {key: getattr(file, key)[rows][:, columns] for key in ('scores', 'targets')}
    return replace(file, file_names=images, class_names=classes, **tables)


def _scored(name: str, path: str, file: ScoresFile, protocol: str) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # classes without positives: the page names them
        try:
            result = multilabel_scores(file.scores, file.targets, protocol, file.class_names)
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from None
    predicted, _ = decisions(torch.as_tensor(file.scores).float(), protocol)
    return Run(name, path, file, result, predicted)
