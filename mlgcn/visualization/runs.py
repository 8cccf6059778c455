"""The runs of a report: scores files that are read, put into one order and scored."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy import ndarray

from mlgcn.datasets.annotations import repeated
from mlgcn.evaluation import Calibration, MultiLabelResult, ScoresFile, multilabel_scores
from mlgcn.evaluation.protocols import PRF_NAMES, decisions
from mlgcn.messages import some

MOST_RUNS = 6  # the page has as many colours


@dataclass(frozen=True)
class Run:
    """One scores file and its scores under the report's protocol.

    Labels are `predicted`, (N, K) bool, from the calibrated thresholds on where the file has some,
    else from the protocol's. `result` has the metrics at the protocol's, and the precisions and
    recalls of `predicted` as 'CP_calibrated', ...
    """

    name: str
    path: str
    file: ScoresFile
    result: MultiLabelResult
    predicted: ndarray
    calibration: Calibration

    @property
    def margins(self) -> ndarray:
        """How far the logits (N, K) are above the thresholds, below 0 where not predicted."""
        limits = torch.logit(torch.from_numpy(self.calibration.thresholds), eps=1e-7).numpy()
        return self.file.scores / self.calibration.temperature - limits

    @property
    def signs(self) -> ndarray:
        """Scores (N, K) whose decisions at the protocol's threshold are `predicted`."""
        return np.where(self.predicted, 1, -1).astype(np.float32)


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
    for path, file in files.items():
        for name in repeated(file.file_names):
            raise ValueError(f'{path}: {str(name)!r} occurs more than once')
    protocols = {file.protocol: path for path, file in files.items()}
    if protocol is None and len(protocols) > 1:
        seen = ', '.join(f'{path} with {name!r}' for name, path in protocols.items())
        raise ValueError(f'the runs were scored under two protocols ({seen}): choose --protocol')
    images, (first_path, first) = _common_images(files, common_images), next(iter(files.items()))
    most = max(len(file.file_names) for file in files.values())
    runs = []
    for name, (path, file) in zip(paths, files.items()):
        file = _arranged(path, file, images, first.class_names)
        labels = runs[0].file.targets if runs else file.targets
        for i, k in np.argwhere(file.targets != labels)[:1]:
            raise ValueError(
                f'{path}: its labels differ from those of {first_path}: {images[i]}, class '
                f'{str(first.class_names[k])!r} is {file.targets[i, k]} and {labels[i, k]}'
            )
        runs.append(_scored(name, path, file, protocol or file.protocol))
    return runs, most - len(images)


def _common_images(files: Mapping[str, ScoresFile], allow_others: bool) -> ndarray:
    """The file names of the first run that all runs have; ValueError if others are not allowed."""
    (first, file), *others = files.items()
    names = file.file_names
    for path, other in others:
        same = np.isin(names, other.file_names)
        if not same.any() or not allow_others and {*other.file_names} != {*file.file_names}:
            raise ValueError(
                f'{path}: its {len(other.file_names):,} images (e.g. {other.file_names[0]}) are '
                f'not the {len(file.file_names):,} of {first} (e.g. {names[0]}); --common-images '
                f'compares on those in common: {same.sum():,}'
            )
        names = names[same]
    return names


def _arranged(path: str, file: ScoresFile, images: ndarray, classes: ndarray) -> ScoresFile:
    """`file` with just these images and classes in this order."""
    if only := sorted(set(file.class_names) ^ set(classes)):
        raise ValueError(
            f'{path}: its {len(file.class_names)} classes are not the {len(classes)} of the first '
            f'run; in one of the two only: {some(only)}'
        )
    rows, columns = _places(file.file_names, images), _places(file.class_names, classes)
    tables = {key: getattr(file, key)[rows][:, columns] for key in ('scores', 'targets')}
    thresholds = file.thresholds[columns] if len(file.thresholds) else file.thresholds
    return replace(file, file_names=images, class_names=classes, thresholds=thresholds, **tables)


def _places(names: ndarray, wanted: ndarray) -> list[int]:
    places = {name: i for i, name in enumerate(names)}
    return [places[name] for name in wanted]


def _scored(name: str, path: str, file: ScoresFile, protocol: str) -> Run:
    calibration = Calibration(1.0, np.full(len(file.class_names), 0.5, np.float32), '')
    predicted, _ = decisions(torch.as_tensor(file.scores).float(), protocol)
    if len(file.thresholds):
        calibration = Calibration(file.temperature, file.thresholds, '')
        predicted = calibration.present(calibration.probabilities(file.scores))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # classes without positives: the page names them
            result = multilabel_scores(file.scores, file.targets, protocol, file.class_names)
            run = Run(name, path, file, result, predicted, calibration)
            decided = multilabel_scores(run.signs, file.targets, protocol)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None
    result.values.update({f'{key}_calibrated': decided[key] for key in PRF_NAMES})
    return run
