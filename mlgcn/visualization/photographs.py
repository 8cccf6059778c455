"""The report's photographs: the worst false predictions, the worst misses, and ordinary ones."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mlgcn.datasets.image_io import BadImage, read_image

from .page import data_uri
from .runs import Run

LONGEST = 480  # pixels of an embedded photograph's longer side
NUM_MISTAKES, NUM_OTHERS, MOST_LABELS = 24, 12, 12
Gallery = tuple[str, list[dict]]  # heading, cards for report.html.j2


def galleries(runs: Sequence[Run], images: str | Path | None) -> tuple[list[Gallery], str]:
    """Three galleries, and a note on photographs that cannot be read, which is a warning, too.

    A mistake's size is the logit's distance from the threshold, the largest over the runs; an image
    is shown once in a gallery, with its worst label first.
    """
    targets, names = runs[0].file.targets, runs[0].file.file_names
    margins, predicted = (np.stack(t) for t in zip(*((run.margins, run.predicted) for run in runs)))
    false = np.where(predicted & (targets == 0), margins, -np.inf).max(axis=0)
    missed = np.where(~predicted & (targets == 1), -margins, -np.inf).max(axis=0)
    found = []
    for title, kind, sizes in (('false predictions', 'wrong', false), ('misses', 'missed', missed)):
        worst, label = sizes.max(axis=1), sizes.argmax(axis=1)
        count = (worst > -np.inf).sum()
        order = np.argsort(-worst, kind='stable')[: min(count, NUM_MISTAKES)]
        shown = [(i, label[i], kind) for i in order]
        found.append((f'Worst {title} ({count:,} images have one)', shown))
    order = np.argsort(-np.maximum(false, missed).max(axis=1), kind='stable')
    spread = order[np.linspace(0, len(order) - 1, min(NUM_OTHERS, len(order))).astype(int)]
    heading = f'{len(spread)} of {len(order):,} images, from the worst mistake to the smallest'
    found.append((heading, [(i, None, '') for i in spread]))

    files = {i: _find(names[i], images) for _, shown in found for i, *_ in shown}
    uris = {i: _thumbnail(path) for i, path in files.items()}
    unread, note = [str(files[i]) for i, uri in uris.items() if uri is None], ''
    if unread:
        note = f'{len(unread)} of {len(uris)} photographs cannot be read, e.g. {unread[0]}'
        warnings.warn(f'{note}; --images names their folder', stacklevel=3)
    return [(text, [_card(runs, *c, uris[c[0]]) for c in shown]) for text, shown in found], note


def _card(runs: Sequence[Run], i: int, k: int | None, kind: str, uri: str | None) -> dict:
    """Photograph `i`, its mistake `k`, its true labels, and every run's predictions and misses."""
    classes, truth = runs[0].file.class_names, runs[0].file.targets[i]
    card = dict(uri=uri, kind=kind, label='' if k is None else classes[k], predictions=[])
    card['name'] = Path(runs[0].file.file_names[i]).name
    card['true'] = ', '.join(classes[truth == 1]) or 'none'
    for run in runs:
        chances, predicted = run.calibration.probabilities(run.file.scores[i]), run.predicted[i]
        order = np.argsort(-run.file.scores[i])
        order = order[(predicted | (truth == 1))[order]]
        kinds = np.where(~predicted, 'missed', np.array(['wrong', 'right', 'unknown'])[truth])
        shown = [(kinds[k], classes[k], f'{chances[k]:.0%}') for k in order[:MOST_LABELS]]
        card['predictions'].append((shown, len(order) - len(shown)))
    return card


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
        image = Image.fromarray(read_image(str(path))[..., ::-1])
    except BadImage:
        return None
    image.thumbnail((LONGEST, LONGEST))
    return data_uri(image, quality=75)
