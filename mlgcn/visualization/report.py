"""One self-contained HTML page about the scores of one run, or of several that are compared."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mlgcn.datasets.object_areas import object_areas
from mlgcn.evaluation import (
    bootstrap_scores,
    draw_images,
    label_pairs,
    precision_recall_curves,
    scores_by_size,
)
from mlgcn.evaluation.protocols import THRESHOLDS

from . import report_tables as tables
from .page import write_page
from .photographs import galleries
from .report_tables import percent
from .runs import Run, load_runs


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
        protocol, common_images: See :func:`load_runs`.
        replicates, seed: See :func:`mlgcn.evaluation.draw_images`.
        title: Heading of the page.

    Raises:
        FileNotFoundError, ValueError: See :func:`load_runs` and
            :func:`mlgcn.datasets.object_areas`. Photographs that cannot be read are warned of.
    """
    if replicates < 2:
        raise ValueError(f'{replicates} bootstrap replicates: expected at least 2')
    if images is not None and not Path(images).is_dir():
        raise FileNotFoundError(f'{images}: no such folder of photographs')
    loaded, left_out = load_runs(runs, protocol, common_images)
    file, result = loaded[0].file, loaded[0].result
    protocol = result.protocol
    sizes, without_box = None, 0
    if annotations is not None:
        areas = object_areas(annotations, file.file_names, file.class_names)
        without_box = int(((file.targets == 1) & (areas <= 0)).sum())
        sizes = tables.size_tables(
            result,
            [scores_by_size(r.file.scores, file.targets, areas, protocol) for r in loaded],
        )
    draws = draw_images(len(file.targets), replicates, seed)
    samples = [bootstrap_scores(r.file.scores, file.targets, protocol, draws) for r in loaded]
    pairs = [label_pairs(run.predicted, file.targets) for run in loaded]
    photographs, unread = galleries(loaded, images)
    write_page(
        Path(out),
        'report.html.j2',
        title=title,
        runs=loaded,
        result=result,
        class_names=list(result.class_names),
        differences=[f'{run.name} − {loaded[0].name}' for run in loaded[1:]],
        threshold=THRESHOLDS[protocol],
        difficult=int((file.targets == -1).sum()),
        empty=[name for name, n in zip(result.class_names, result.positives) if not n],
        empty_are_skipped=bool(np.isnan(result.ap).any()),
        left_out=left_out,
        replicates=replicates,
        seed=seed,
        metrics=tables.metric_table(loaded, samples),
        comparison=tables.comparison_table(loaded, samples),
        classes=tables.class_table(loaded, samples),
        curves=_curves(loaded),
        bins=tables.pair_bins(pairs),
        pairs=tables.worst_pairs(loaded, pairs),
        sizes=sizes,
        without_box=without_box,
        galleries=photographs,
        unread=unread,
    )


def _curves(runs: Sequence[Run]) -> dict[str, list[dict]]:
    """For the page's script, by option of the chooser: each run's line, circle and words."""
    options: dict[str, list[dict]] = {}

    def add(key: str | int, line: np.ndarray | None, circle: Sequence[float], words: str) -> None:
        circle = [round(float(value), 1) for value in circle]
        at = 'precision {1} %, recall {0} %'.format(*circle) if circle else 'nothing predicted'
        points = ' '.join(f'{x:.4g},{y:.4g}' for x, y in (() if line is None else line.T))
        words = f'{words}. At the threshold: {at}.'
        options.setdefault(str(key), []).append(dict(points=points, circle=circle, words=words))

    for run in runs:
        result, targets = run.result, run.file.targets
        found = precision_recall_curves(run.file.scores, targets, result.protocol)
        pooled = (result['OR'], result['OP'])
        add('micro', found.micro, pooled, f'{result.positives.sum():,} positives')
        add('macro', found.macro, (result['CR'], result['CP']), f'mAP {result["mAP"]:.1f} %')
        hits = (run.predicted & (targets == 1)).sum(axis=0)
        counts = (run.predicted & (targets != -1)).sum(axis=0)
        for k, (number, hit, count) in enumerate(zip(result.positives, hits, counts)):
            circle = (100 * hit / max(number, 1), 100 * hit / count) if count else ()
            words = f'AP {percent(result.ap[k])} %, {number:,} positives, {count:,} predicted'
            add(k, found.classes[k], circle, words)
    return options
