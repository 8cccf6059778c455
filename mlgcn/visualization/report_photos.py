"""The report's photographs: the worst false predictions, the worst misses, and ordinary ones."""

import base64
import io
import warnings
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mlgcn.evaluation import ScoresFile

from .html import key
from .runs import Run

MARKS = {'right': '✓', 'wrong': '✗', 'missed': '○', 'unknown': '?'}
LONGEST = 480  # pixels of an embedded photograph's longer side
NUM_MISTAKES, NUM_OTHERS, MOST_CHIPS = 24, 12, 12


def photos_section(runs: Sequence[Run], images: str | Path | None) -> str:
    """Three galleries. Warns of photographs that cannot be read, and says so on the page.

    A mistake's size is the logit's distance from the threshold, the largest over the runs; an image
    is shown once in a gallery, with its worst label first.
    """
    gallery = _Gallery(runs, images)
    targets = runs[0].file.targets
    scores = np.stack([run.file.scores for run in runs])
    made = np.stack([run.predicted for run in runs])
    false = np.where(made & (targets == 0), scores, -np.inf).max(axis=0)
    missed = np.where(~made & (targets == 1), -scores, -np.inf).max(axis=0)
    parts = [
        gallery.mistakes('Worst false predictions', 'wrong', false),
        gallery.mistakes('Worst misses', 'missed', missed),
    ]
    order = np.argsort(-np.maximum(false, missed).max(axis=1), kind='stable')
    spread = np.linspace(0, len(order) - 1, min(NUM_OTHERS, len(order))).astype(int)
    parts.append(
        f'<h3>{len(spread)} of {len(order):,} images, from the worst mistake to the smallest</h3>'
        + gallery.cards([(i, None) for i in order[spread]], 'right')
    )
    unread = gallery.unread()
    if unread:
        told = f'{len(unread)} of {len(gallery.uris)} photographs cannot be read, e.g. {unread[0]}'
        warnings.warn(f'{told}; --images names their folder', stacklevel=3)
        parts.insert(0, f'<p class="wrong note">{escape(told)}</p>')
    return gallery.legend() + '\n'.join(parts)


class _Gallery:
    """Cards of photographs; remembers which could not be read."""

    def __init__(self, runs: Sequence[Run], images: str | Path | None):
        self.runs, self.images = runs, images
        self.uris: dict[int, str | None] = {}

    def mistakes(self, title: str, kind: str, size: np.ndarray) -> str:
        """The images with the largest mistakes; `size` (N, K) is -inf where there is none."""
        order = np.argsort(-size.max(axis=1), kind='stable')[:NUM_MISTAKES]
        shown = [(i, int(size[i].argmax())) for i in order if size[i].max() > -np.inf]
        if not shown:
            return f'<h3>{title}: none</h3>'
        number = f'{(size.max(axis=1) > -np.inf).sum():,} images have one'
        return f'<h3>{title} ({number})</h3>' + self.cards(shown, kind)

    def cards(self, shown: Sequence[tuple[int, int | None]], kind: str) -> str:
        cards = '\n'.join(self._card(i, k, kind) for i, k in shown)
        return f'<div class="gallery">{cards}</div>'

    def legend(self) -> str:
        chips = ' '.join(
            f'<span class="chip {kind}">{mark} {kind}</span>' for kind, mark in MARKS.items()
        )
        return (
            f'<p>{chips} <span class="soft">by the annotations, which may err themselves; unknown: '
            'predicted, but marked difficult. Numbers are probabilities.</span></p>'
        )

    def _card(self, i: int, k: int | None, kind: str) -> str:
        """Photograph `i`, its mistake `k`, its true labels, and every run's predictions."""
        file = self.runs[0].file
        name = escape(Path(file.file_names[i]).name)
        true = ', '.join(file.class_names[file.targets[i] == 1]) or 'none'
        html = '<article><p class="none">photograph cannot be read</p>\n'
        if i not in self.uris:
            self.uris[i] = _data_uri(_find(file.file_names[i], self.images))
        if self.uris[i]:
            what = f'true: {true}' if k is None else f'{kind}: {file.class_names[k]}'
            picture = f'<img src="{self.uris[i]}" alt="{name}, {escape(what)}" loading="lazy">'
            html = f'<article><button class="zoom">{picture}</button>\n'
        if k is not None:
            html += f'<h4>{MARKS[kind]} {escape(file.class_names[k])}</h4>'
        html += f'<p class="soft">{name}<br>true: {escape(true)}</p>\n'
        for r, run in enumerate(self.runs):
            named = f'{key(r)}<b>{escape(run.name)}</b> ' if self.runs[1:] else ''
            html += f'<p>{named}{_chips(run, i)}</p>\n'
        return html + '</article>'

    def unread(self) -> list[str]:
        """The paths of the photographs that were to be shown and could not be read."""
        names = self.runs[0].file.file_names
        return [str(_find(names[i], self.images)) for i, uri in self.uris.items() if uri is None]


def _chips(run: Run, i: int) -> str:
    """Image `i`'s predictions and misses of one run, the most probable first."""
    file = run.file
    order = np.argsort(-file.scores[i])
    shown = order[(run.predicted[i] | (file.targets[i] == 1))[order]]
    chips = ''.join(_chip(file, i, k, run.predicted[i, k]) for k in shown[:MOST_CHIPS])
    more = f' and {len(shown) - MOST_CHIPS} more' if len(shown) > MOST_CHIPS else ''
    return chips + more or 'nothing predicted'


def _chip(file: ScoresFile, i: int, k: int, predicted: bool) -> str:
    kind = {1: 'right', 0: 'wrong', -1: 'unknown'}[int(file.targets[i, k])]
    kind = kind if predicted else 'missed'
    percent = 50 + 50 * np.tanh(file.scores[i, k] / 2)  # the sigmoid
    label = escape(file.class_names[k])
    return f'<span class="chip {kind}" title="{kind}">{MARKS[kind]} {label} {percent:.0f} %</span>'


def _find(name: str, folder: str | Path | None) -> Path:
    """The file, under `folder` if one is given, where the longest end of its path that exists."""
    if folder is None:
        return Path(name)
    parts = [part for part in Path(name).parts if part not in ('/', '..')]
    ends = (Path(folder, *parts[start:]) for start in range(len(parts)))
    return next((path for path in ends if path.is_file()), Path(folder, parts[-1]))


def _data_uri(path: Path) -> str | None:
    """The photograph as a JPEG data URI; None if unreadable."""
    buffer = io.BytesIO()
    try:
        with Image.open(path) as image:
            image.draft('RGB', (2 * LONGEST, 2 * LONGEST))  # JPEGs are decoded no larger
            image = ImageOps.exif_transpose(image).convert('RGB')
            image.thumbnail((LONGEST, LONGEST))
            image.save(buffer, 'JPEG', quality=75)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    return 'data:image/jpeg;base64,' + base64.b64encode(buffer.getvalue()).decode()
