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
    for path, file in files.items():
        _check_unique(path, 'image', file.file_names)
        _check_unique(path, 'class', file.class_names)
    if len(files) < len(paths):
        raise ValueError(f'a scores file is given twice: {", ".join(map(str, paths.values()))}')
    seen = {file.protocol: path for path, file in files.items()}
    if protocol is None and len(seen) > 1:
        told = ', '.join(f'{path} with {name!r}' for name, path in seen.items())
        raise ValueError(f'the runs were scored under two protocols ({told}): choose --protocol')
    images = _common_images(files, common_images)
    left_out = max(len(file.file_names) for file in files.values()) - len(images)
    (first_path, first), *_ = files.items()
    runs = []
    for name, (path, file) in zip(paths, files.items()):
        rows = _order(file.file_names, images)
        columns = _class_order(path, file.class_names, first.class_names)
        scores, targets = (table[rows][:, columns] for table in (file.scores, file.targets))
        if runs and not np.array_equal(targets, runs[0].file.targets):
            i, k = np.argwhere(targets != runs[0].file.targets)[0]
            raise ValueError(
                f'{path}: its labels differ from those of {first_path}: {images[i]}, class '
                f'{str(first.class_names[k])!r} is {targets[i, k]} and '
                f'{runs[0].file.targets[i, k]}'
            )
        file = replace(file, file_names=images, class_names=first.class_names, scores=scores,
                       targets=targets)  # fmt: skip
        runs.append(_scored(name, path, file, protocol or file.protocol))
    return runs, left_out


def _common_images(files: Mapping[str, ScoresFile], allow_others: bool) -> ndarray:
    """The file names of the first run that all runs have; ValueError if others are not allowed."""
    (first, file), *others = files.items()
    names = file.file_names
    for path, other in others:
        same = np.isin(names, other.file_names)
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


def _check_unique(path: str, what: str, names: ndarray) -> None:
    unique, counts = np.unique(names, return_counts=True)
    if len(unique) < len(names):
        raise ValueError(f'{path}: the {what} {str(unique[counts > 1][0])!r} occurs more than once')


def _class_order(path: str, names: ndarray, wanted: ndarray) -> ndarray:
    """Indices of `wanted` in `names`; ValueError if they are not the same classes."""
    only = sorted(set(names) ^ set(wanted))
    if only:
        raise ValueError(
            f'{path}: its {len(names)} classes are not the {len(wanted)} of the first run; in one '
            f'of the two only: {", ".join(only[:5])}{", ..." if only[5:] else ""}'
        )
    return _order(names, wanted)


def _order(names: ndarray, wanted: ndarray) -> ndarray:
    order = np.argsort(names)
    return order[np.searchsorted(names, wanted, sorter=order)]


def _scored(name: str, path: str, file: ScoresFile, protocol: str) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # classes without positives: the page names them
        try:
            result = multilabel_scores(file.scores, file.targets, protocol, file.class_names)
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from None
    predicted, _ = decisions(torch.as_tensor(file.scores).float(), protocol)
    return Run(name, path, file, result, predicted)
