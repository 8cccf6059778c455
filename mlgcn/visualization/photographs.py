"""The report's photographs: the worst false predictions, the worst misses, and ordinary ones."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .page import data_uri
from .runs import Run

LONGEST = 480  # pixels of an embedded photograph's longer side
NUM_MISTAKES, NUM_OTHERS, MOST_LABELS = 24, 12, 12


def galleries(
    runs: Sequence[Run], images: str | Path | None
) -> tuple[list[tuple[str, list[dict]]], str]:
    """(heading, cards) of three galleries, and a note on photographs that cannot be read.

    A mistake's size is the logit's distance from the threshold, the largest over the runs; an image
    is shown once in a gallery, with its worst label first. Warns of unreadable photographs.
    """
    targets = runs[0].file.targets
    scores = np.stack([run.file.scores for run in runs])
    predicted = np.stack([run.predicted for run in runs])
    false = np.where(predicted & (targets == 0), scores, -np.inf).max(axis=0)
    missed = np.where(~predicted & (targets == 1), -scores, -np.inf).max(axis=0)
    found = []
    for heading, kind, size in (
        ('Worst false predictions', 'wrong', false), ('Worst misses', 'missed', missed)
    ):  # fmt: skip
        worst = size.max(axis=1)
        order = np.argsort(-worst, kind='stable')[:NUM_MISTAKES]
        shown = [(i, int(size[i].argmax()), kind) for i in order if worst[i] > -np.inf]
        number = (worst > -np.inf).sum()
        found.append((f'{heading} ({number:,} images have one)', shown))
    order = np.argsort(-np.maximum(false, missed).max(axis=1), kind='stable')
    spread = order[np.linspace(0, len(order) - 1, min(NUM_OTHERS, len(order))).astype(int)]
    heading = f'{len(spread)} of {len(order):,} images, from the worst mistake to the smallest'
    found.append((heading, [(i, None, 'right') for i in spread]))

    names = runs[0].file.file_names
    files = {i: _find(names[i], images) for _, shown in found for i, *_ in shown}
    uris = {i: _thumbnail(path) for i, path in files.items()}
    unread = [str(files[i]) for i, uri in uris.items() if uri is None]
    note = ''
    if unread:
        note = f'{len(unread)} of {len(uris)} photographs cannot be read, e.g. {unread[0]}'
        warnings.warn(f'{note}; --images names their folder', stacklevel=3)
    return [
        (heading, [_card(runs, i, k, kind, uris[i]) for i, k, kind in shown])
        for heading, shown in found
    ], note


def _card(runs: Sequence[Run], i: int, k: int | None, kind: str, uri: str | None) -> dict:
    """Photograph `i`, its mistake `k`, its true labels, and every run's predictions."""
    file = runs[0].file
    return dict(
        uri=uri,
        name=Path(file.file_names[i]).name,
        true=', '.join(file.class_names[file.targets[i] == 1]) or 'none',
        kind=kind,
        label=None if k is None else file.class_names[k],
        predictions=[_predictions(run, i) for run in runs],
    )


def _predictions(run: Run, i: int) -> tuple[list[tuple], int]:
    """(kind, label, percent) of image `i`'s predictions and misses, and how many more there are."""
    file, predicted = run.file, run.predicted[i]
    order = np.argsort(-file.scores[i])
    shown = order[(predicted | (file.targets[i] == 1))[order]]
    kinds = {1: 'right', 0: 'wrong', -1: 'unknown'}
    return (
        [
            (
                kinds[int(file.targets[i, k])] if predicted[k] else 'missed',
                file.class_names[k],
                50 + 50 * np.tanh(file.scores[i, k] / 2),  # the sigmoid
            )
            for k in shown[:MOST_LABELS]
        ],
        len(shown) - MOST_LABELS,
    )


def _find(name: str, folder: str | Path | None) -> Path:
    """The file, under `folder` if one is given, where the longest end of its path that exists."""
    if folder is None:
        return Path(name)
    parts = [part for part in Path(name).parts if part not in ('/', '..')]
    ends = (Path(folder, *parts[start:]) for start in range(len(parts)))
    return next((path for path in ends if path.is_file()), Path(folder, parts[-1]))


def _thumbnail(path: Path) -> str | None:
    """The photograph as a data URI; None if unreadable."""
    try:
        with Image.open(path) as image:
            image.draft('RGB', (2 * LONGEST, 2 * LONGEST))  # JPEGs are decoded no larger
            image = ImageOps.exif_transpose(image).convert('RGB')
            image.thumbnail((LONGEST, LONGEST))
            return data_uri(image, quality=75)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
