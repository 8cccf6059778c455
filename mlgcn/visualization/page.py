"""One self-contained HTML page of scores, per-class APs and photographs, for one or more runs."""

import base64
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mlgcn.evaluation import MultiLabelResult, ScoresFile, multilabel_scores

from .page_template import PAGE

MARKS = {'right': '✓', 'wrong': '✗', 'missed': '○', 'unknown': '?'}


@dataclass(frozen=True)
class Run:
    """One scores file, read and scored under its own protocol."""

    name: str
    file: ScoresFile
    result: MultiLabelResult


def write_page(
    runs: Mapping[str, str | Path],
    out: str | Path,
    image_root: str | Path | None = None,
    title: str = 'Multi-label scores',
    num_images: int = 48,
) -> None:
    """Write one static page that needs no other file: metrics, AP per class, photographs.

    Args:
        runs: Name of each run and its scores file; all of the same images and classes.
        out: The .html file to write; missing folders are made.
        image_root: Folder that the file names in the scores files are relative to.
        title: Heading of the page.
        num_images: Photographs on the page: half are the worst mistakes of any run (a label that is
            wrong by the largest logit), half are spread evenly over the rest; all if fewer.

    Raises:
        FileNotFoundError, ValueError: A scores file is missing or wrong, see
            :meth:`mlgcn.evaluation.ScoresFile.load`, or differs from the first in its images,
            classes or labels. Photographs that cannot be read are warned of and left blank.
    """
    loaded = [_load(name, path) for name, path in runs.items()]
    first = loaded[0].file
    for path, run in zip(runs.values(), loaded):
        for field in ('class_names', 'file_names', 'targets'):
            if not np.array_equal(getattr(run.file, field), getattr(first, field)):
                other = next(iter(runs.values()))
                raise ValueError(f'{path}: its {field} differ from those of {other}')
    sections = [_summary(loaded), _class_table(loaded), _gallery(loaded, image_root, num_images)]
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    html = PAGE.substitute(title=escape(title), sections='\n'.join(sections))
    Path(out).write_text(html, encoding='utf-8')


def _load(name: str, path: str | Path) -> Run:
    file = ScoresFile.load(path)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # classes without positives: the page shows them
        try:
            result = multilabel_scores(file.scores, file.targets, file.protocol, file.class_names)
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from None
    return Run(name, file, result)


def _summary(runs: Sequence[Run]) -> str:
    best, rest = ('mAP', 'CF1', 'OF1'), ('CP', 'CR', 'OP', 'OR')
    head = ('Run', *best, 'Protocol', 'Images', *rest)
    rows = ''
    for i, run in enumerate(runs):
        cells = [f'{run.result[name]:.2f}' for name in (*best, *rest)]
        cells[len(best) : len(best)] = [run.result.protocol, f'{run.result.num_images:,}']
        rows += f'<tr><th scope="row">{_key(i)}{escape(run.name)}</th>'
        rows += ''.join(f'<td>{cell}</td>' for cell in cells) + '</tr>\n'
    head = ''.join(f'<th scope="col">{name}</th>' for name in head)
    return (
        f'<div class="scroll" tabindex="0"><table><tr>{head}</tr>\n{rows}</table>'
        '</div>\n<p class="soft">All scores in %; the protocol names the evaluator.</p>'
    )


def _class_table(runs: Sequence[Run]) -> str:
    """Average precision of every class under each run as bars, the first run's lowest first."""
    results = [run.result for run in runs]
    rows = ''
    for k in np.argsort(results[0].ap):
        bars = ''
        for i, ap in enumerate(result.ap[k] for result in results):
            width, shown = (0, '–') if np.isnan(ap) else (ap, f'{ap:.1f}')
            bars += (
                '<div class="bar"><svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden='
                f'"true"><rect width="{width:.1f}" height="1" fill="var({_color(i)})"/></svg>'
                f'<span title="{escape(runs[i].name)}">{shown}</span></div>'
            )
        name = escape(results[0].class_names[k])
        count = f'{results[0].positives[k]:,}'
        rows += (
            f'<tr><th scope="row">{name}</th><td>{count}</td><td class="bars">{bars}</td></tr>\n'
        )
    keys = ' &nbsp; '.join(f'{_key(i)}{escape(run.name)}' for i, run in enumerate(runs))
    return (
        f'<details{" open" if len(results[0].ap) <= 100 else ""}><summary>Average precision of '
        f'{len(results[0].ap)} classes</summary>\n<p>{keys}</p><table class="classes"><tr>'
        '<th scope="col">Class</th><th scope="col" class="count">Positives</th>'
        f'<th scope="col" class="bars">AP in %</th></tr>\n{rows}</table></details>'
    )


def _gallery(runs: Sequence[Run], image_root: str | Path | None, num_images: int) -> str:
    targets = runs[0].file.targets
    wrong_by = np.max([np.where(targets == 1, -r.file.scores, r.file.scores) for r in runs], axis=0)
    order = np.argsort(-np.where(targets == -1, -np.inf, wrong_by).max(axis=1))
    if len(order) > num_images:
        worst, rest = np.split(order, [num_images // 2])
        order = [*worst, *rest[np.linspace(0, len(rest) - 1, num_images - len(worst)).astype(int)]]
    paths = [_find(runs[0].file.file_names[i], image_root) for i in order]
    uris = [_data_uri(path) for path in paths]
    lost = [str(path) for path, uri in zip(paths, uris) if uri is None]
    if lost:
        warnings.warn(
            f'{len(lost)} of {len(paths)} photographs cannot be read, e.g. {lost[0]}', stacklevel=3
        )
    cards = '\n'.join(_card(runs, i, uri) for i, uri in zip(order, uris))
    legend = ' '.join(f'<span class="chip {kind}">{m} {kind}</span>' for kind, m in MARKS.items())
    return (
        f'<h2>{len(order)} of {len(targets):,} photographs, worst mistakes first</h2>\n'
        f'<p>{legend} <span class="soft">A label is predicted from a probability of 50 % on; '
        f'unknown: predicted, but marked difficult.</span></p>\n<div class="gallery">{cards}</div>'
    )


def _card(runs: Sequence[Run], i: int, uri: str | None) -> str:
    """Photograph `i` with its true labels, then every run's right, wrong and missed ones."""
    file = runs[0].file
    name = escape(Path(file.file_names[i]).name)
    true = [escape(label) for label in file.class_names[file.targets[i] == 1]]
    picture = f'<button class="zoom"><img src="{uri}" alt="{name}" loading="lazy"></button>'
    html = f'<article>{picture if uri else "<p class=none>photograph cannot be read</p>"}\n'
    html += f'<h3>{name}</h3><p class="soft">true: {", ".join(true) or "none"}</p>\n'
    for r, run in enumerate(runs):
        chips = ''.join(_chip(run.file, i, k) for k in np.argsort(-run.file.scores[i]))
        html += f'<p>{_key(r)}<b>{escape(run.name)}</b> {chips or "nothing predicted"}</p>\n'
    return html + '</article>'


def _chip(file: ScoresFile, i: int, k: int) -> str:
    predicted, target = file.scores[i, k] >= 0, file.targets[i, k]
    if not predicted and target != 1:
        return ''
    kind = {1: 'right', 0: 'wrong', -1: 'unknown'}[int(target)] if predicted else 'missed'
    percent = 50 + 50 * np.tanh(file.scores[i, k] / 2)  # the sigmoid
    label = escape(file.class_names[k])
    return f'<span class="chip {kind}" title="{kind}">{MARKS[kind]} {label} {percent:.0f} %</span>'


def _key(i: int) -> str:
    return f'<span class="key" style="background:var({_color(i)})"></span>'


def _color(i: int) -> str:
    return f'--run{i % 6}'


def _find(name: str, root: str | Path | None) -> Path:
    path = Path(root or '.', name)
    return path if path.is_file() else Path(root or '.', path.name)


def _data_uri(path: Path, longest: int = 640) -> str | None:
    """The photograph as a JPEG data URI of at most `longest` pixels a side; None if unreadable."""
    buffer = io.BytesIO()
    try:
        with Image.open(path) as image:
            image = ImageOps.exif_transpose(image).convert('RGB')
            image.thumbnail((longest, longest))
            image.save(buffer, 'JPEG', quality=80)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    return 'data:image/jpeg;base64,' + base64.b64encode(buffer.getvalue()).decode()
