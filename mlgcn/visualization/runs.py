"""The runs of a report: scores files that are read, put into one order and scored."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

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
    predicted: np.ndarray


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
    protocol = protocol or _one_protocol(files)
    for path, file in files.items():
        _check_unique(path, 'image', file.file_names)
        _check_unique(path, 'class', file.class_names)
    names = _common_images(files, common_images)
    left_out = max(len(file.file_names) for file in files.values()) - len(names)
    classes = next(iter(files.values())).class_names
    runs = []
    for name, (path, file) in zip(paths, files.items()):
        file = _arrange(path, file, names, classes)
        first = runs[0] if runs else None
        if first and not np.array_equal(file.targets, first.file.targets):
            i, k = np.argwhere(file.targets != first.file.targets)[0]
            raise ValueError(
                f'{path}: its labels differ from those of {first.path}: {names[i]}, class '
                f'{str(classes[k])!r} is {file.targets[i, k]} and {first.file.targets[i, k]}'
            )
        result = _score(path, file, protocol)
        predicted, _ = decisions(torch.as_tensor(file.scores).float(), protocol)
        runs.append(Run(name, path, file, result, predicted))
    return runs, left_out


def _one_protocol(files: Mapping[str, ScoresFile]) -> str:
    protocols = {file.protocol: path for path, file in files.items()}
    if len(protocols) > 1:
        seen = ', '.join(f'{path} with {protocol!r}' for protocol, path in protocols.items())
        raise ValueError(f'the runs were scored under two protocols ({seen}): choose one with '
                         '--protocol')  # fmt: skip
    return next(iter(protocols))


def _check_unique(path: str, what: str, names: np.ndarray) -> None:
    unique, counts = np.unique(names, return_counts=True)
    if len(unique) < len(names):
        raise ValueError(f'{path}: the {what} {str(unique[counts > 1][0])!r} occurs more than once')


def _common_images(files: Mapping[str, ScoresFile], allow_others: bool) -> np.ndarray:
    """The file names of the first run that all runs have; ValueError if others are not allowed."""
    (first, file), *others = files.items()
    names = file.file_names
    for path, other in others:
        same = np.isin(names, other.file_names)
        left = len(np.setdiff1d(other.file_names, file.file_names))
        if not same.any():
            raise ValueError(
                f'{path} and {first} have no image in common, e.g. '
                f'{other.file_names[0]} and {names[0]}'
            )
        if not allow_others and (left or not same.all()):
            raise ValueError(
                f'{path}: its {len(other.file_names):,} images are not the '
                f'{len(file.file_names):,} of {first} ({same.sum():,} in common); '
                '--common-images compares on those'
            )
        names = names[same]
    return names


def _arrange(
    path: str, file: ScoresFile, names: Sequence[str], classes: Sequence[str]
) -> ScoresFile:
    """`file` with just these images and classes in this order."""
    if set(file.class_names) != set(classes):
        only = sorted(set(file.class_names) ^ set(classes))
        raise ValueError(
            f'{path}: its {len(file.class_names)} classes are not the {len(classes)} of the first '
            f'run; in one of the two only: {", ".join(only[:5])}{", ..." if only[5:] else ""}'
        )
    order = np.argsort(file.file_names)
    rows = order[np.searchsorted(file.file_names, names, sorter=order)]
    order = np.argsort(file.class_names)
    columns = order[np.searchsorted(file.class_names, classes, sorter=order)]
    tables = {key: getattr(file, key)[rows][:, columns] for key in ('scores', 'targets')}
    return replace(file, file_names=names, class_names=classes, **tables)


def _score(path: str, file: ScoresFile, protocol: str) -> MultiLabelResult:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # classes without positives: the page shows them
        try:
            return multilabel_scores(file.scores, file.targets, protocol, file.class_names)
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from None
