"""One self-contained HTML page about the scores of one run, or of several that are compared."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mlgcn.datasets.image_io import BadImage, read_image
from mlgcn.evaluation.metric import tie_warning
from mlgcn.evaluation.object_areas import object_areas
from mlgcn.evaluation.protocols import THRESHOLDS

from .page import data_uri, write_page
from .report_numbers import ReportNumbers
from .runs import Run, load_runs

LONGEST = 480  # pixels of an embedded photograph's longer side
NUM_MISTAKES, NUM_OTHERS, MOST_LABELS = 24, 12, 12
Gallery = tuple[str, list[dict]]  # heading, cards for report.html.j2


def write_report(
    runs: Mapping[str, str | Path],
    out: str | Path,
    images: str | Path | None = None,
    annotations: str | Path | None = None,
    protocol: str | None = None,
    common_images: bool = False,
    replicates: int = 1000,
    seed: int = 0,
) -> None:
    """Write one static page that needs no other file: see docs/report.md.

    Args:
        runs: Name of each run and its scores file (`mlgcn test --out`).
        out: The .html file to write; missing folders are made.
        images: Folder that holds the photographs, if they are not where the scores file says.
        annotations: COCO json or VOC folder with the objects' boxes; without it no AP by size.
        protocol, common_images: See :func:`load_runs`.
        replicates, seed: See :func:`mlgcn.evaluation.draw_images`.

    Raises:
        FileNotFoundError, ValueError: See :func:`load_runs` and :func:`object_areas`.

    Warns of photographs that cannot be read and of classes whose AP equal scores decide.
    """
    if replicates < 2:
        raise ValueError(f'{replicates} bootstrap replicates: expected at least 2')
    if images is not None and not Path(images).is_dir():
        raise FileNotFoundError(f'{images}: no such folder of photographs')
    loaded, left_out = load_runs(runs, protocol, common_images)
    file, areas = loaded[0].file, None
    if annotations is not None:
        areas = object_areas(annotations, file.file_names, file.class_names)
    photographs, unread = galleries(loaded, images)
    tied = []
    for run in loaded:
        if text := tie_warning(run.file.scores, run.file.targets, run.file.class_names):
            tied.append(f'{run.name}: {text}')
            warnings.warn(tied[-1], stacklevel=2)
    numbers = ReportNumbers(loaded, replicates, seed, areas)
    shown = dict(galleries=photographs, unread=unread, tied=tied, left_out=left_out)
    threshold = THRESHOLDS[loaded[0].result.protocol]
    drawn = dict(replicates=replicates, seed=seed)
    write_page(Path(out), 'report.html.j2', numbers=numbers, threshold=threshold, **drawn, **shown)


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
