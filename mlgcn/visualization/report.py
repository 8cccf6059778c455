"""One self-contained HTML page about the scores of one run, or of several that are compared."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from mlgcn.datasets.object_areas import object_areas
from mlgcn.evaluation import bootstrap_scores, draw_images, scores_by_size
from mlgcn.evaluation.protocols import THRESHOLDS

from .page_template import PAGE
from .report_curves import curves_section
from .report_pairs import pairs_section
from .report_photos import photos_section
from .report_tables import class_table, comparison_table, metric_table, size_tables
from .report_template import EXTRAS
from .runs import Run, load_runs

SEARCH = """<p><label>Find a class <input type="search" class="search"></label></p>"""


def write_report(
    runs: Mapping[str, str | Path],
    out: str | Path,
    images: str | Path | None = None,
    annotations: str | Path | None = None,
    protocol: str | None = None,
    common_images: bool = False,
    replicates: int = 1000,
    seed: int = 0,
    title: str = 'Multi-label scores',
) -> None:
    """Write one static page that needs no other file.

    Metrics with bootstrap intervals, differences between runs, AP of every class, precision-recall
    curves, false predictions beside co-occurrence, AP by object size, the worst mistakes.

    Args:
        runs: Name of each run and its scores file (`tools/test.py --out`).
        out: The .html file to write; missing folders are made.
        images: Folder that holds the photographs, if they are not where the scores file says.
        annotations: COCO json or VOC folder with the objects' boxes; without it no AP by size.
        protocol, common_images: See :func:`mlgcn.visualization.runs.load_runs`.
        replicates, seed: See :func:`mlgcn.evaluation.draw_images`.
        title: Heading of the page.

    Raises:
        FileNotFoundError, ValueError: See :func:`mlgcn.visualization.runs.load_runs` and
            :func:`mlgcn.datasets.object_areas`. Photographs that cannot be read are warned of.
    """
    if replicates < 2:
        raise ValueError(f'{replicates} bootstrap replicates: expected at least 2')
    if images is not None and not Path(images).is_dir():
        raise FileNotFoundError(f'{images}: no such folder of photographs')
    loaded, left_out = load_runs(runs, protocol, common_images)
    file, protocol = loaded[0].file, loaded[0].result.protocol
    areas = None
    if annotations is not None:
        areas = object_areas(annotations, file.file_names, file.class_names)
    draws = draw_images(len(file.targets), replicates, seed)
    samples = [bootstrap_scores(run.file.scores, file.targets, protocol, draws) for run in loaded]

    sampling = f'{replicates:,} bootstrap replicates over the images, seed {seed}'
    parts = {'Metrics': metric_table(loaded, samples)}
    if len(loaded) > 1:
        parts['Comparison'] = _COMPARED + comparison_table(loaded, samples)
    told = _CLASSES + (_BOLD if len(loaded) > 1 else '') + SEARCH
    parts['Average precision of classes'] = told + class_table(loaded, samples)
    parts['Precision and recall'] = curves_section(loaded)
    parts['Co-occurrence and confusion'] = pairs_section(loaded)
    if areas is not None:
        parts['Object size'] = _sizes(loaded, areas)
    parts['Photographs'] = photos_section(loaded, images)

    sections = [EXTRAS, f'<p>{_facts(loaded, left_out, sampling)}</p>', _contents(parts)]
    sections += [
        f'<section id="{_anchor(name)}"><h2>{name}</h2>\n{body}\n</section>'
        for name, body in parts.items()
    ]
    html = PAGE.substitute(title=escape(title), sections='\n'.join(sections))
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_text(html, encoding='utf-8')


_COMPARED = """<p class="soft">Each run less the first, in points, on the same drawn images; in
brackets the 95 % interval. Where it holds 0, these images do not tell the runs apart. Other seeds
of a training can move the scores too: the intervals know nothing of them.</p>"""
_CLASSES = """<p class="soft">Lines on the bars are 95 % intervals; classes of fewer than
five positives have none.</p>"""
_BOLD = """<p class="soft">Differences whose interval does not hold 0 are bold: where nothing
differs, about one class in twenty is bold by chance.</p>"""


def _anchor(name: str) -> str:
    return name.lower().replace(' ', '-')


def _contents(names: Iterable[str]) -> str:
    links = ''.join(f'<a href="#{_anchor(name)}">{name}</a>' for name in names)
    return f'<nav aria-label="Contents">{links}</nav>'


def _facts(runs: Sequence[Run], left_out: int, sampling: str) -> str:
    """What was scored, and how."""
    result, file = runs[0].result, runs[0].file
    difficult = int((file.targets == -1).sum())
    empty = [name for name, count in zip(result.class_names, result.positives) if not count]
    facts = [
        f'{result.num_images:,} images, {len(result.class_names):,} classes, '
        f'{result.positives.sum():,} positive and {difficult:,} difficult labels.',
        f'Protocol "{result.protocol}"; all scores in %. A label counts as predicted from '
        f'{THRESHOLDS[result.protocol]} on (probability 50 %), in every class.',
        f'Brackets hold a 95 % interval: how far the value would move on another sample of as many '
        f'images ({sampling}, centred on the measured value).',
    ]
    if left_out:
        facts.append(f'Only the images that all runs have: {left_out:,} are left out.')
    if empty:
        effect = 'left out of' if np.isnan(result.ap).any() else 'counted as 0 in'
        names = ', '.join(empty[:10]) + (', …' if empty[10:] else '.')
        facts.append(f'{len(empty)} classes have no positive and are {effect} mAP and CR: {names}')
    facts += [
        f'{run.name}: {Path(run.path).name}'
        + (f', scored under "{run.file.protocol}" before.' if run.file.protocol != result.protocol
           else '.')
        for run in runs
    ]  # fmt: skip
    return '<br>'.join(escape(fact) for fact in facts)


def _sizes(runs: Sequence[Run], areas: np.ndarray) -> str:
    sizes = [
        scores_by_size(run.file.scores, run.file.targets, areas, run.result.protocol)
        for run in runs
    ]
    lost = int(((runs[0].file.targets == 1) & (areas <= 0)).sum())
    told = f' {lost:,} positives have no box and are in no band.' if lost else ''
    text = (
        "A positive has the size of its largest box in pixels of the original photograph (COCO's "
        'limits). A band ranks its positives among all negatives and leaves out the positives of '
        f'other sizes; its mAP is the mean over the classes that have some.{told}'
    )
    return f'<p class="soft">{text}</p>' + size_tables(runs, sizes)
